//! Draft.
use super::Verdict;
use super::report::Report;
/// Draft.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {}
/// Draft.
///
/// # Errors
/// Draft.
pub fn main(_: &Options, _: &mut Report) -> Result<Verdict, String> {
    Ok(Verdict::Fine)
}
