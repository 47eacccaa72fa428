//! How far a server may be reached, which follows from how what is said to it travels.
//!
//! Not here: binding anything.

use super::seen::Way;
use std::net::SocketAddr;

/// A server would be reached from other machines with everything in the open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` can be reached from other machines, and whoever is on the way could read every token and act with it; give a \
     certificate and its key (`--tls-cert`, `--tls-key`), say that a proxy with TLS stands in front (`--behind-proxy`), or \
     listen at 127.0.0.1"
)]
pub struct TooFar(SocketAddr);

/// Whether a server may listen at an address, coming in this way.
pub fn may_bind(address: SocketAddr, way: Way) -> Result<(), TooFar> {
    match way {
        Way::Tls | Way::Proxy => Ok(()),
        Way::Plain if address.ip().to_canonical().is_loopback() => Ok(()),
        Way::Plain => Err(TooFar(address)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_this_machine_nothing_travels_in_the_open() {
        let near = ["127.0.0.1:80", "127.9.9.9:1", "[::1]:8080", "[::ffff:127.0.0.1]:1"];
        let far = ["0.0.0.0:80", "[::]:80", "192.168.1.5:8080", "[fe80::1]:1", "8.8.8.8:443"];
        for address in near.iter().chain(&far).map(|text| text.parse().unwrap()) {
            assert_eq!(may_bind(address, Way::Tls), Ok(()));
            assert_eq!(may_bind(address, Way::Proxy), Ok(()));
        }
        assert!(near.iter().all(|near| may_bind(near.parse().unwrap(), Way::Plain).is_ok()));
        for address in far {
            let why = may_bind(address.parse().unwrap(), Way::Plain).unwrap_err().to_string();
            assert!(why.contains(address) && why.contains("--tls-cert") && why.contains("--behind-proxy"), "{why}");
        }
    }
}
