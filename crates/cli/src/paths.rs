//! Where the person's configuration and sessions are.
//!
//! Not here: what is in them.

use crate::failure::Failure;
use etcetera::BaseStrategy;
use std::path::{Path, PathBuf};

/// The folders of the platform, or those that the environment names (`XDG_CONFIG_HOME`, `XDG_DATA_HOME`,
/// `XDG_CACHE_HOME`, `REMIT_CONFIG`).
#[derive(Clone, Debug)]
pub struct Paths {
    config: PathBuf,
    data: PathBuf,
    cache: PathBuf,
    named_config: Option<PathBuf>,
}

impl Paths {
    /// Finds the folders.
    pub fn find() -> Result<Paths, Failure> {
        let strategy = etcetera::choose_base_strategy().map_err(|why| {
            Failure::host(anyhow::Error::new(why).context("the home folder cannot be found")).hint("set HOME")
        })?;
        Ok(Paths {
            config: strategy.config_dir().join("remit"),
            data: strategy.data_dir().join("remit"),
            cache: strategy.cache_dir().join("remit"),
            named_config: std::env::var_os("REMIT_CONFIG").map(PathBuf::from),
        })
    }

    /// Folders of their own below this one, as `XDG_DATA_HOME` and its like would name them.
    pub fn below(folder: &Path) -> Paths {
        let inside = folder.join("remit");
        Paths { config: inside.clone(), data: inside.clone(), cache: inside.join("cache"), named_config: None }
    }

    /// The configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.named_config.clone().unwrap_or_else(|| self.config.join("config.toml"))
    }

    /// Whether the environment names the configuration file.
    pub fn config_was_named(&self) -> bool {
        self.named_config.is_some()
    }

    /// The database of all sessions.
    pub fn database(&self) -> PathBuf {
        self.data.join("sessions.db")
    }

    /// Where the whole outputs of one session's commands are kept.
    pub fn outputs(&self, session: &str) -> PathBuf {
        self.data.join("outputs").join(session)
    }

    /// The socket on which the owner of a session listens.
    pub fn socket(&self, session: &str) -> PathBuf {
        self.data.join("run").join(format!("{session}.sock"))
    }

    /// The file of who may use the server.
    pub fn people(&self) -> PathBuf {
        self.data.join("people.json")
    }

    /// The socket at which a running server is asked about who may use it.
    pub fn hatch(&self) -> PathBuf {
        self.data.join("run").join("server.sock")
    }

    /// The folder of a server's marks: which sessions work.
    pub fn working(&self) -> PathBuf {
        self.data.join("run").join("working")
    }

    /// The file in which the router's list of prices is kept; losing it costs one request.
    pub fn router_list(&self) -> PathBuf {
        self.cache.join("router-models.json")
    }

    /// The file of what the person has sent, a JSON text a line.
    pub fn sent(&self) -> PathBuf {
        self.data.join("sent.jsonl")
    }

    /// The folder of everything that is written.
    pub fn store(&self) -> &Path {
        &self.data
    }
}
