//! Snapshots of what has no oracle: the shape of INFO, the command table, the help texts.

use rotom_core::commands;
use rotom_core::{Config, Host};
use rotom_io_sim::{Delivery, World};

/// What a fresh server answers to one command.
fn ask(command: &str) -> String {
    let mut config = Config::default();
    config.set_from_file("enable-debug-command", &[b"yes".to_vec()]).unwrap();
    let mut world = World::new(config, Host::default(), Delivery::Whole, 1);
    let peer = world.connect();
    world.send(peer, format!("{command}\r\n").as_bytes());
    String::from_utf8(world.receive(peer)).unwrap().replace('\r', "")
}

#[test]
fn info_has_these_fields() {
    let names: Vec<String> = ask("INFO everything")
        .lines()
        .filter(|line| !line.starts_with('$'))
        .map(|line| line.split(':').next().unwrap_or("").to_owned())
        .collect();
    insta::assert_snapshot!("info", names.join("\n"));
}

#[test]
fn the_command_table_says_this() {
    let row = |command: &commands::Command| {
        let flags: Vec<&str> = command.flags.names().collect();
        let categories: Vec<&str> = command.all_categories().names().collect();
        let (first, last, step) = command.legacy_range();
        let name = command.full_name();
        format!(
            "{name} {} keys {first} {last} {step} [{}] [{}]",
            command.arity,
            flags.join(" "),
            categories.join(" ")
        )
    };
    let rows: Vec<String> = commands::all()
        .flat_map(|command| std::iter::once(row(command)).chain(command.subcommands.iter().map(row)))
        .collect();
    insta::assert_snapshot!("command_table", rows.join("\n"));
}

#[test]
fn containers_explain_themselves() {
    for container in ["CLIENT", "COMMAND", "CONFIG", "DEBUG", "OBJECT"] {
        insta::assert_snapshot!(
            format!("help_{}", container.to_lowercase()),
            ask(&format!("{container} HELP"))
        );
    }
}
