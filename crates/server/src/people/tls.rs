//! TLS for those who come from other machines: HTTP/1.1 over rustls with aws-lc.
//!
//! Not here: what is said through it. Certificates are read once, when the server starts.

#![allow(clippy::disallowed_methods, reason = "the server reads its certificate")]

use super::ends::Ends;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use std::collections::VecDeque;
use std::fmt;
use std::fs;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;

/// How long a client may take for its part of the beginning.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How many are at the beginning at once; one more ends the oldest.
const BEGINNING: usize = 512;
/// How many have begun and wait to be taken.
const WAITING: usize = 64;
/// How long it is waited when no connection can be taken.
const PAUSE: Duration = Duration::from_millis(50);

/// A certificate with its key, ready for use.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

/// Why a certificate or a key cannot be used. What is in a key file is never told.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("`{}`: {why}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// Others can use the key.
    #[error("`{}` is a key that others can read or replace; make it yours alone with `chmod 600`", .0.display())]
    OpenKey(PathBuf),
    /// There is no certificate in the file.
    #[error("`{}` has no certificate in PEM form", .0.display())]
    NoCertificate(PathBuf),
    /// There is no key in the file.
    #[error("`{}` has no private key in PEM form", .0.display())]
    NoKey(PathBuf),
    /// The two do not go together, or are of a kind that is not supported.
    #[error("the certificate and its key cannot be used: {0}")]
    Unusable(rustls::Error),
}

impl Tls {
    /// Reads a chain of certificates, the server's own first, and its key, both in PEM form.
    pub fn read(certificate: &Path, key: &Path) -> Result<Tls, TlsError> {
        let read = |path: &Path| fs::read(path).map_err(|why| TlsError::Io { path: path.to_owned(), why });
        let meta = fs::metadata(key).map_err(|why| TlsError::Io { path: key.to_owned(), why })?;
        // A group may read it: systems have one for the programs that serve.
        if meta.mode() & 0o027 != 0 {
            return Err(TlsError::OpenKey(key.to_owned()));
        }
        let chain = CertificateDer::pem_slice_iter(&read(certificate)?).collect::<Result<Vec<_>, _>>();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or_else(|| TlsError::NoCertificate(certificate.to_owned()))?;
        let key = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|_| TlsError::NoKey(key.to_owned()))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key))
            .map_err(TlsError::Unusable)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls(TlsAcceptor::from(Arc::new(config))))
    }

    /// Has all that comes in through a socket come in through TLS. It has to be called inside a runtime.
    pub fn listen(&self, listener: TcpListener) -> io::Result<TlsListener> {
        let address = listener.local_addr()?;
        let (begun, comes) = mpsc::channel(WAITING);
        let task = tokio::spawn(take(listener, self.0.clone(), begun));
        Ok(TlsListener { address, comes, task })
    }
}

/// A listener for [`axum::serve`] whose connections have begun: a slow client keeps no other waiting.
#[derive(Debug)]
pub struct TlsListener {
    address: SocketAddr,
    comes: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    task: JoinHandle<()>,
}

impl Drop for TlsListener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TlsStream<TcpStream>, SocketAddr) {
        match self.comes.recv().await {
            Some(connection) => connection,
            None => pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Connected<IncomingStream<'_, TlsListener>> for Ends {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Ends {
        Ends::of(stream.io().get_ref().0.local_addr(), *stream.remote_addr())
    }
}

/// Takes connections for as long as somebody wants them, and has each begin on its own.
async fn take(listener: TcpListener, tls: TlsAcceptor, begun: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>) {
    let mut beginning: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let Ok((stream, address)) = listener.accept().await else {
            // There is no room for another connection now; there will be.
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        beginning.retain(|one| !one.is_finished());
        if beginning.len() >= BEGINNING
            && let Some(oldest) = beginning.pop_front()
        {
            oldest.abort();
        }
        // Small pieces of a stream of events are not to wait for each other.
        let _ = stream.set_nodelay(true);
        let (tls, begun) = (tls.clone(), begun.clone());
        let begins = tokio::spawn(async move {
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
                // Nobody wants it when the server ends.
                let _ = begun.send((stream, address)).await;
            }
        });
        beginning.push_back(begins.abort_handle());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::extract::ConnectInfo;
    use axum::routing::get;
    use std::os::unix::fs::PermissionsExt;
    use tempfile::TempDir;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    const CERTIFICATE: &str = include_str!("../../tests/tls/localhost.pem");
    const KEY: &str = include_str!("../../tests/tls/localhost.key");

    fn files(certificate: &str, key: &str, mode: u32) -> (TempDir, Result<Tls, TlsError>) {
        let folder = tempfile::tempdir().unwrap();
        let paths = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        fs::write(&paths.0, certificate).unwrap();
        fs::write(&paths.1, key).unwrap();
        fs::set_permissions(&paths.1, fs::Permissions::from_mode(mode)).unwrap();
        let tls = Tls::read(&paths.0, &paths.1);
        (folder, tls)
    }

    /// A server that says who it takes its visitor for.
    async fn serve() -> SocketAddr {
        let (_folder, tls) = files(CERTIFICATE, KEY, 0o600);
        let listener = tls.unwrap().listen(TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
        let address = Listener::local_addr(&listener).unwrap();
        let app =
            Router::new().route("/", get(|ConnectInfo(ends): ConnectInfo<Ends>| async move { format!("{ends:?}") }));
        let app = app.into_make_service_with_connect_info::<Ends>();
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    }

    async fn ask(address: SocketAddr) -> (SocketAddr, String) {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).unwrap()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let socket = TcpStream::connect(address).await.unwrap();
        let own = socket.local_addr().unwrap();
        let name = "localhost".try_into().unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, socket).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut said = String::new();
        // The server may end the connection without a word of farewell.
        let _ = stream.read_to_string(&mut said).await;
        (own, said)
    }

    #[tokio::test]
    async fn what_is_asked_through_tls_is_answered_and_its_ends_are_known() {
        let address = serve().await;
        let (own, said) = ask(address).await;
        assert!(said.starts_with("HTTP/1.1 200 OK"), "{said}");
        assert!(said.ends_with(&format!("{:?}", Ends { local: address, remote: own })), "{said}");
    }

    #[tokio::test]
    async fn clients_that_say_nothing_or_nonsense_keep_no_other_waiting() {
        let address = serve().await;
        let mut silent = Vec::new();
        for _ in 0..20 {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        silent[0].write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        assert!(ask(address).await.1.starts_with("HTTP/1.1 200 OK"));
        // Something came back that is no answer to the one that did not speak TLS.
        let mut said = Vec::new();
        let _ = silent[0].read_to_end(&mut said).await;
        assert!(!said.starts_with(b"HTTP"));
    }

    #[test]
    fn a_key_that_others_can_use_is_refused() {
        for mode in [0o644, 0o604, 0o602, 0o660, 0o777] {
            let (_folder, tls) = files(CERTIFICATE, KEY, mode);
            assert!(tls.unwrap_err().to_string().contains("chmod 600"), "{mode:o}");
        }
        for mode in [0o400, 0o600, 0o640] {
            assert!(files(CERTIFICATE, KEY, mode).1.is_ok(), "{mode:o}");
        }
    }

    #[test]
    fn what_is_no_certificate_or_no_key_is_refused_and_not_repeated() {
        let cut = KEY.replace("PRIVATE KEY", "SECRET KEY");
        for (certificate, key, says) in [
            ("", KEY, "no certificate"),
            (KEY, KEY, "no certificate"),
            (CERTIFICATE, CERTIFICATE, "no private key"),
            (CERTIFICATE, cut.as_str(), "no private key"),
        ] {
            let why = files(certificate, key, 0o600).1.unwrap_err();
            assert!(why.to_string().contains(says), "{why}");
            let line = KEY.lines().nth(1).unwrap();
            assert!(!format!("{why} {why:?}").contains(line));
        }
        assert!(matches!(Tls::read(Path::new("/no/such"), Path::new("/no/such")), Err(TlsError::Io { .. })));
    }
}
