//! How people come in to `remit serve`: by what address and which way, with a certificate or a provider.
//!
//! Not here: who is let in (that is `server::people`).

use super::Args;
use crate::config::{Config, OidcConfig};
use crate::failure::Failure;
use crate::out::outln;
use crate::paths::Paths;
use anyhow::anyhow;
use server::people::hatch::{self, HatchReply, HatchRequest};
use server::people::{Credential, Issuer, Oidc, Scopes, Tls, Way, may_bind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;

/// Which way requests come in, and the certificate if they come through TLS; refused where everything would be in the open.
pub fn way(args: &Args) -> Result<(Way, Option<Tls>), Failure> {
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(certificate), Some(key)) => Some(Tls::read(certificate, key).map_err(Failure::user)?),
        // One without the other is refused with the arguments.
        _not_both => None,
    };
    let way = match &tls {
        Some(_) => Way::Tls,
        None if args.behind_proxy => Way::Proxy,
        None => Way::Plain,
    };
    may_bind(args.listen, way).map_err(Failure::user)?;
    Ok((way, tls))
}

/// The address that a person opens: by the first name that was given, else as it is reached from this machine.
pub fn address(args: &Args, way: Way, bound: SocketAddr) -> String {
    let port = bound.port();
    match (way, args.host_name.first()) {
        (Way::Proxy, Some(name)) => format!("https://{name}"),
        (Way::Tls, Some(name)) => format!("https://{name}:{port}"),
        (Way::Tls, None) => format!("https://localhost:{port}"),
        (Way::Plain | Way::Proxy, _) => {
            let ip = match bound.ip() {
                IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
                IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
                other => other,
            };
            format!("http://{}", SocketAddr::new(ip, port))
        }
    }
}

/// The provider that is configured.
pub fn provider(config: &Config) -> Result<Option<Issuer>, Failure> {
    let OidcConfig { issuer, name, client_id, client_secret_env, client_secret, allow, scopes } = &config.serve.oidc;
    let Some(issuer) = issuer else { return Ok(None) };
    let lacks = |what: &str| Failure::config(anyhow!("`serve.oidc` lacks `{what}`"));
    let client_id = client_id.clone().ok_or_else(|| lacks("client_id"))?;
    let client_secret =
        match (client_secret, client_secret_env) {
            (Some(_), Some(_)) => {
                let cause = anyhow!("`serve.oidc` has both `client_secret` and `client_secret_env`; keep one");
                return Err(Failure::config(cause));
            }
            (Some(secret), None) => Some(secret.clone()),
            (None, Some(variable)) => {
                let secret = std::env::var(variable).ok().filter(|secret| !secret.is_empty());
                Some(secret.ok_or_else(|| {
                    Failure::config(anyhow!("`serve.oidc` needs a secret, and `{variable}` is not set"))
                })?)
            }
            (None, None) => None,
        };
    let scopes = scopes.as_deref().map_or(Ok(Scopes::all()), str::parse).map_err(Failure::config)?;
    let (name, issuer, allow) = (name.clone(), issuer.clone(), allow.clone());
    if allow.is_empty() {
        eprintln!("`serve.oidc.allow` names nobody, so that nobody can sign in with {issuer}");
    }
    let client_secret = client_secret.map(Credential::of);
    Issuer::new(Oidc { name, issuer, client_id, client_secret, allow, scopes }).map(Some).map_err(Failure::config)
}

/// Has the server that runs make another link to sign in with.
pub fn another_link(paths: &Paths) -> Result<ExitCode, Failure> {
    match crate::runtime()?.block_on(hatch::ask(&paths.hatch(), &HatchRequest::Link)).map_err(Failure::host)? {
        Some(HatchReply::Link { url }) => outln!("{}", url.reveal()),
        Some(HatchReply::Refused { why }) => return Err(Failure::user(anyhow!(why))),
        Some(other) => return Err(Failure::bug(anyhow!("the server answered something else: {other:?}"))),
        None => return Err(Failure::user(anyhow!("no server runs")).hint("`remit serve` starts one")),
    }
    Ok(ExitCode::SUCCESS)
}
