//! The files that pages are made with, in the program itself: nothing is fetched from anywhere else.
//!
//! Not here: who sends them. A file's address has its digest in it, so that a browser may keep it for ever.

use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::sync::OnceLock;

/// A file.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub media_type: &'static str,
    /// What is in it.
    pub text: &'static str,
}

/// All files.
pub const ASSETS: &[Asset] = &[
    Asset { name: "app.css", media_type: "text/css; charset=utf-8", text: include_str!("../../assets/app.css") },
    Asset { name: "app.js", media_type: "text/javascript; charset=utf-8", text: include_str!("../../assets/app.js") },
    Asset {
        name: "theme.js",
        media_type: "text/javascript; charset=utf-8",
        text: include_str!("../../assets/theme.js"),
    },
    Asset { name: "icon.svg", media_type: "image/svg+xml", text: include_str!("../../assets/icon.svg") },
];

/// The file of that name.
pub fn asset(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

/// The address of a file, with a digest of all of them.
pub fn url(name: &str) -> String {
    static VERSION: OnceLock<String> = OnceLock::new();
    let version = VERSION.get_or_init(|| {
        let mut digest = Sha256::new();
        ASSETS.iter().for_each(|asset| digest.update(asset.text));
        let mut version = String::new();
        for byte in digest.finalize().iter().take(8) {
            let written = write!(version, "{byte:02x}");
            debug_assert!(written.is_ok(), "a text has room for more");
        }
        version
    });
    format!("/assets/{name}?v={version}")
}
