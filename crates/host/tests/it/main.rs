//! The doors of `host` against a real file system, real programs and a real sandbox.

mod background;
mod callers;
mod children;
mod confined;
mod files;
mod http;
mod kinship;
mod stand;
mod tree;
