//! How a request sees this server: by which name, by which way, from which page.
//!
//! Not here: who makes it (that is `register`).
//!
//! A page of another site can have a browser send requests here. Two things tell them apart. The name in `Host` must be one
//! that the server goes by: a page that points its own name at this machine (DNS rebinding) is then refused. And a request that
//! changes something must say, in `Origin` or `Sec-Fetch-Site`, that it comes from a page of this very server.

use super::ends::Ends;
use super::unwelcome::Unwelcome;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, header};

/// The site that a browser says a request comes from.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// How requests come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As they are: for this machine alone.
    Plain,
    /// Through TLS that ends here.
    Tls,
    /// Through a proxy in front, which says in `X-Forwarded-Proto`, `-Host` and `-For` what it saw.
    Proxy,
}

/// The names that a server goes by, besides those of this machine.
#[derive(Clone, Debug, Default)]
pub struct Hosts(Vec<String>);

/// A text that is no host's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no host's name; give it without a scheme, a port or a path, like `remit.example.org`")]
pub struct BadHost(String);

impl Hosts {
    /// Takes names such as `remit.example.org`.
    pub fn of(names: impl IntoIterator<Item = String>) -> Result<Hosts, BadHost> {
        let plain = |name: String| {
            let fits = name.parse::<Authority>().is_ok_and(|authority| authority.host() == name);
            if fits { Ok(name.to_ascii_lowercase()) } else { Err(BadHost(name.chars().take(253).collect())) }
        };
        names.into_iter().map(plain).collect::<Result<_, _>>().map(Hosts)
    }

    /// Whether a request may call this server so: a name that was given, a name of this machine for itself, or the address
    /// at which the request arrived. The port is not looked at: one that is forwarded from elsewhere differs, and whoever
    /// can listen on another port of this machine gains nothing by its number.
    fn allow(&self, host: &str, ends: Option<Ends>) -> bool {
        const OWN: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
        if OWN.contains(&host) || self.0.iter().any(|name| name == host) {
            return true;
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        ends.is_some_and(|ends| bare.parse() == Ok(ends.local.ip().to_canonical()))
    }
}

/// The way in which a browser says where a page comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }
}

/// This server as whoever makes a request sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The scheme.
    pub scheme: Scheme,
    /// The name, and the port if it is not the scheme's own; in small letters.
    authority: String,
}

impl Seen {
    /// How a request sees the server; refused when it calls it by a name that is not its own.
    pub(crate) fn by(headers: &HeaderMap, way: Way, hosts: &Hosts, ends: Option<Ends>) -> Result<Seen, Unwelcome> {
        let scheme = match way {
            Way::Plain => Scheme::Http,
            Way::Tls => Scheme::Https,
            Way::Proxy if last_of(headers, &FORWARDED_PROTO).is_some_and(|it| it.eq_ignore_ascii_case("https")) => {
                Scheme::Https
            }
            Way::Proxy => Scheme::Http,
        };
        let forwarded = match way {
            Way::Proxy => last_of(headers, &FORWARDED_HOST),
            Way::Plain | Way::Tls => None,
        };
        let said = forwarded.or_else(|| only(headers, &header::HOST)).ok_or(Unwelcome::WrongHost)?;
        let authority: Authority = said.to_ascii_lowercase().parse().map_err(|_| Unwelcome::WrongHost)?;
        let is_bare = !authority.as_str().contains('@');
        if !is_bare || !hosts.allow(authority.host(), ends) {
            return Err(Unwelcome::WrongHost);
        }
        Ok(Seen { scheme, authority: without_own_port(scheme, authority.as_str()).to_owned() })
    }

    /// The origin of this server's pages, such as `https://remit.example.org`.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", self.scheme.name(), self.authority)
    }

    /// Whether a browser says that a request comes from a page of this server.
    pub(crate) fn is_same_origin(&self, headers: &HeaderMap) -> bool {
        if headers.contains_key(header::ORIGIN) {
            let origin = only(headers, &header::ORIGIN).and_then(|origin| origin.split_once("://"));
            return origin.is_some_and(|(scheme, authority)| {
                let authority = authority.to_ascii_lowercase();
                scheme.eq_ignore_ascii_case(self.scheme.name())
                    && without_own_port(self.scheme, &authority) == self.authority
            });
        }
        only(headers, &SEC_FETCH_SITE) == Some("same-origin")
    }
}

fn without_own_port(scheme: Scheme, authority: &str) -> &str {
    let own = match scheme {
        Scheme::Http => ":80",
        Scheme::Https => ":443",
    };
    authority.strip_suffix(own).unwrap_or(authority)
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// The last of a list, which is what the nearest proxy has put there.
pub(crate) fn last_of<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    value.rsplit(',').next().map(str::trim).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in all {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    fn seen(all: &[(&'static str, &str)], way: Way) -> Option<String> {
        let hosts = Hosts::of(["Remit.example.org".to_owned()]).unwrap();
        let ends = Ends { local: "192.168.1.5:8080".parse().unwrap(), remote: "192.168.1.9:40000".parse().unwrap() };
        Seen::by(&headers(all), way, &hosts, Some(ends)).ok().map(|seen| seen.origin())
    }

    #[test]
    fn a_server_goes_by_its_own_names_alone() {
        for (host, origin) in [
            ("localhost:8080", "http://localhost:8080"),
            ("LOCALHOST:9", "http://localhost:9"),
            ("127.0.0.1:80", "http://127.0.0.1"),
            ("[::1]:8080", "http://[::1]:8080"),
            ("192.168.1.5:8080", "http://192.168.1.5:8080"),
            ("remit.example.org", "http://remit.example.org"),
            ("REMIT.example.org:8080", "http://remit.example.org:8080"),
        ] {
            assert_eq!(seen(&[("host", host)], Way::Plain).as_deref(), Some(origin), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "localhost.",
            "localhost:8080@evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.2",
            "192.168.1.6:8080",
            "0.0.0.0:8080",
            "example.org",
            "a b",
        ] {
            assert_eq!(seen(&[("host", host)], Way::Plain), None, "{host}");
        }
        assert_eq!(seen(&[], Way::Plain), None);
        assert_eq!(seen(&[("host", "localhost"), ("host", "evil.example")], Way::Plain), None);
    }

    #[test]
    fn only_a_proxy_says_what_it_saw() {
        let said = [
            ("host", "localhost:8080"),
            ("x-forwarded-host", "evil.example, remit.example.org"),
            ("x-forwarded-proto", "https"),
        ];
        assert_eq!(seen(&said, Way::Proxy).as_deref(), Some("https://remit.example.org"));
        assert_eq!(seen(&said, Way::Plain).as_deref(), Some("http://localhost:8080"));
        assert_eq!(seen(&said, Way::Tls).as_deref(), Some("https://localhost:8080"));
        let evil = [("host", "localhost"), ("x-forwarded-host", "evil.example")];
        assert_eq!(seen(&evil, Way::Proxy), None);
    }

    #[test]
    fn a_request_comes_from_a_page_of_this_server_or_it_does_not() {
        let is_same = |way: Way, host: &str, all: &[(&'static str, &str)]| {
            let all = headers(&[&[("host", host)], all].concat());
            let hosts = Hosts::of(["a.example".to_owned()]).unwrap();
            Seen::by(&all, way, &hosts, None).unwrap().is_same_origin(&all)
        };
        let local = |all: &[(&'static str, &str)]| is_same(Way::Plain, "localhost:8080", all);
        assert!(local(&[("origin", "http://localhost:8080")]));
        assert!(local(&[("sec-fetch-site", "same-origin")]));
        assert!(is_same(Way::Tls, "a.example", &[("origin", "https://a.example")]));
        assert!(is_same(Way::Tls, "a.example:443", &[("origin", "https://a.example")]));
        for wrong in [
            "null",
            "",
            "https://localhost:8080",
            "http://localhost",
            "http://localhost:3000",
            "http://127.0.0.1:8080",
            "http://localhost:8080.evil.example",
            "http://evil.example",
        ] {
            assert!(!local(&[("origin", wrong)]), "{wrong}");
            assert!(!local(&[("origin", wrong), ("sec-fetch-site", "same-origin")]), "{wrong}");
        }
        assert!(!local(&[("origin", "http://localhost:8080"), ("origin", "http://localhost:8080")]));
        for wrong in ["same-site", "cross-site", "none", ""] {
            assert!(!local(&[("sec-fetch-site", wrong)]), "{wrong}");
        }
        assert!(!local(&[]));
        assert!(!is_same(Way::Tls, "a.example", &[("origin", "http://a.example")]));
    }

    #[test]
    fn a_hosts_name_has_no_scheme_port_or_path() {
        for wrong in ["", "https://a.example", "a.example:80", "a.example/x", "u@a.example", "a b"] {
            assert!(Hosts::of([wrong.to_owned()]).is_err(), "{wrong}");
        }
        assert!(Hosts::of(["a.example".to_owned(), "10.0.0.7".to_owned(), "[fd00::7]".to_owned()]).is_ok());
    }
}
