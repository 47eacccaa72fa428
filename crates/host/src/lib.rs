//! Hands: files, child programs, the sandbox and HTTP out. Doors that touch the world open to a permit.
//!
//! In reading order: [`scene`] has what a running tool is given; [`place`] where a path leads; [`files`] reading and
//! writing without being led astray; [`tree`] walking a folder; [`repository`] where a git repository keeps its own;
//! [`git`] asking git about it;
//! [`environment`] what a child program may see; [`children`] running one;
//! [`confine`] holding one to reading; [`http`] fetching; [`authority`] telling a person from the agent's own children;
//! [`socket`] where one person's programs meet.
//!
//! Not here: choosing what to touch (that is `tools`), or whether it may be touched (that is `policy`).

pub mod authority;
pub mod children;
pub mod confine;
pub mod environment;
pub mod files;
pub mod git;
pub mod http;
mod kin;
pub mod place;
pub mod repository;
pub mod scene;
pub mod socket;
pub mod tree;
