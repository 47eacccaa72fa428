//! `remit demo --terminal`: the demo's script in the demo's world, played by hand. A person is there, and is asked.
//!
//! Not here: the check and the receipt, which are of a demo that is left alone; here what happens is the person's to decide.

use super::world::{Standins, World};
use super::{SESSION, Stage, script};
use crate::commands::terminal::{self, Face, Seat};
use crate::commands::{run, spend};
use crate::failure::Failure;
use crate::out::{out, outln};
use crate::paths::Paths;
use crate::person;
use anyhow::anyhow;
use engine::Surface;
use journal::{Journal, SessionId};
use policy::{Attendance, ModeChoice};
use std::path::Path;
use std::process::ExitCode;

/// Shows it in the terminal until the person leaves, then says what was spent.
pub fn play(mode: Option<ModeChoice>, keep: Option<&Path>, face: Face) -> Result<ExitCode, Failure> {
    if !terminal::has_keys(face) {
        let cause = anyhow!("`--terminal` is for a person at a terminal, and there is none");
        return Err(Failure::user(cause).hint("`remit demo` plays by itself"));
    }
    let person = person::at_the_terminal()?;
    run::become_a_run()?;
    let mode = mode.unwrap_or(ModeChoice::DEFAULT).resolve(None, engine::DEFAULT_CAP);
    let id: SessionId = SESSION.parse().map_err(Failure::bug)?;
    let world = World::make(keep)?;
    let runtime = crate::runtime()?;
    let standins = runtime.block_on(Standins::start(&world))?;
    let (stage, config) = (Stage::of(&world, &standins), standins.config());
    let open = move |journal: Journal, surface: Surface| -> terminal::Opens {
        Box::pin(async move { stage.open((&journal, id), "", (mode, Attendance::Attended), surface).await })
    };
    let seat = Seat::Prepared { journal: world.database(), open: Box::new(open), offered: script::PROMPT.to_owned() };
    let paths = Paths::below(&world.store());
    let shown = terminal::show(seat, face, person, (config, paths.clone()));
    runtime.block_on(standins.stop());
    let code = shown?;
    out!("{}", spend::in_words(&paths, SESSION)?);
    if !world.is_throwaway() {
        outln!("The folder is {}.", world.folder().display());
        outln!("Its session: XDG_DATA_HOME={} remit show {SESSION}", world.store().display());
    }
    Ok(code)
}
