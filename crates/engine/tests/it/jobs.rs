//! A jobs API for a session to spend at.
//!
//! Not here: tests.

use crate::stage::Stage;
use serde_json::{Value, json};
use standins::{JobsOptions, Unit};
use std::sync::Arc;
use tokio::net::TcpListener;
use tools::hf_jobs::Board;
use tools::site::{Hub, HubToken};

/// A jobs API on loopback whose clock stands, and whose prices are by the hour, as they are documented.
pub struct Jobs {
    base: String,
}

impl Jobs {
    pub async fn for_stage(stage: &mut Stage) -> Jobs {
        Jobs::at_speed(0, stage).await
    }

    /// The same, with a clock that runs so many times as fast as the system's.
    pub async fn at_speed(speed: u32, stage: &mut Stage) -> Jobs {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let options = JobsOptions { tokens: vec!["token".into()], speed, unit: Unit::Hour, ..JobsOptions::default() };
        tokio::spawn(standins::jobs(listener, options, std::future::pending()));
        let jobs = Jobs { base };
        jobs.serve(stage);
        jobs
    }

    /// Makes this the Hub of a stage, as a program that was started anew finds it.
    pub fn serve(&self, stage: &mut Stage) {
        let hub = Hub { endpoint: Some(self.base.clone()), token: Some(HubToken::new("token")), ..Hub::default() };
        stage.setup.site.hub = Arc::new(hub);
        stage.setup.site.hardware = Board::documented();
    }

    pub async fn state(&self) -> Value {
        reqwest::get(format!("{}/_standin/state", self.base)).await.unwrap().json().await.unwrap()
    }

    pub async fn launches(&self) -> u64 {
        self.state().await["launches"].as_u64().unwrap()
    }

    /// Moves the clock on.
    pub async fn advance(&self, seconds: u64) {
        self.order("advance", json!({ "seconds": seconds })).await;
    }

    pub async fn inject(&self, order: Value) {
        self.order("inject", order).await;
    }

    /// Takes all faults back.
    pub async fn mend(&self) {
        let sent = reqwest::Client::new().delete(format!("{}/_standin/inject", self.base)).send();
        assert!(sent.await.unwrap().status().is_success());
    }

    async fn order(&self, what: &str, order: Value) {
        let sent = reqwest::Client::new().post(format!("{}/_standin/{what}", self.base)).json(&order).send();
        assert!(sent.await.unwrap().status().is_success());
    }
}

/// An hour of this hardware is a dollar.
pub const JOB: &str = r#"{ tool = "hf_jobs", args = { operation = "run", flavor = "a10g-small", timeout = "1h", detach = true, command = ["true"] } }"#;

/// A script that starts so many of them in one message.
pub fn jobs(times: usize) -> String {
    format!("[[turn]]\ncalls = [{}]\n[[turn]]\ntext = \"done\"", vec![JOB; times].join(", "))
}
