//! (being written)
use clap::Args;
use std::process::ExitCode;

#[derive(Args)]
pub(crate) struct DemoArgs {}

pub(crate) fn main(_args: &DemoArgs) -> Result<ExitCode, String> {
    Ok(ExitCode::SUCCESS)
}
