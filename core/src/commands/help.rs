//! The frame of every container's `HELP`.

use crate::context::{CommandResult, Context};
use crate::propagation::Propagate;

/// Answers with a container's help: Redis' lines before and after its own.
pub(super) fn reply_help(ctx: &mut Context<'_>, lines: &[&str]) -> CommandResult {
    // A HELP is always a part of a container.
    let name = ctx.command.container.unwrap_or(ctx.command.name).to_ascii_uppercase();
    let first = format!("{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    let last = ["HELP", "    Prints this help."];
    ctx.reply.array(lines.len() + 1 + last.len());
    for line in std::iter::once(first.as_str()).chain(lines.iter().copied()).chain(last) {
        ctx.reply.simple(line);
    }
    Ok(Propagate::Nothing)
}
