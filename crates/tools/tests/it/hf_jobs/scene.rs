//! The surroundings of a run, in a folder of its own.
//!
//! Not here: the jobs API, or the gate.

use host::children::Runs;
use host::environment::Environment;
use host::http::Net;
use host::place::Workspace;
use host::scene::{Progress, Scene, Seen, Todos};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Makes a workspace and a scene in this folder; the scene tells its progress to `lines`.
pub fn scene(folder: &Path, lines: mpsc::Sender<String>) -> (Scene, Workspace) {
    let workspace = folder.join("workspace");
    std::fs::create_dir(&workspace).unwrap();
    let workspace = Workspace::open(&workspace).unwrap();
    let scene = Scene {
        workspace: workspace.clone(),
        outputs: folder.join("outputs"),
        environment: Arc::new(Environment::filtered([], &[], &[])),
        net: Net::new(),
        runs: Runs::default(),
        seen: Seen::default(),
        todos: Todos::default(),
        stop: CancellationToken::new(),
        progress: Progress::to(lines),
    };
    (scene, workspace)
}
