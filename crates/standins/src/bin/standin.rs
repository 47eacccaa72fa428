//! Runs one stand-in as a program of its own, for the tests of this crate.
//!
//! Not here: how the product starts them (`remit __standin ...`, in `cli`), which calls the same function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match standins::main(&args).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("standin: {failure}");
            let mut cause = std::error::Error::source(&failure);
            while let Some(deeper) = cause {
                eprintln!("  because: {deeper}");
                cause = deeper.source();
            }
            std::process::ExitCode::from(2)
        }
    }
}
