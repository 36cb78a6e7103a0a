//! The model alone beside the oracle: whatever the generators make is sent to a real redis-server, and the model says
//! whether each reply is right. So the model can know commands that the core does not have yet.

use super::round::Round;
use super::run::{Mismatch, Settings, Summary, Witness, show, words};
use crate::differential::compare::{Rule, is_known_otherwise};
use crate::real::{RealServer, wall_us};
use crate::reply::{Reply, encode_command};
use crate::transcript::parse::ServerSetup;
use crate::transcript::play::Stage;
use crate::workload::{Call, Maker, Mix};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::time::Instant;

/// The connections; every second one speaks RESP3.
const CONNECTIONS: [&str; 4] = ["A", "B", "C", "D"];

/// Calls of SCAN that are made of one iteration.
const PAGES_MAX: usize = 2_000;

/// Plays random commands against the oracle and has the model judge its replies.
///
/// # Errors
/// The first reply that the model finds wrong.
pub fn hear(settings: &Settings) -> Result<Summary, Mismatch> {
    let failed = |report: String| Mismatch { report, history: String::new() };
    let mix = Mix::lasting_for_model();
    let mut maker = Maker::new(&mix, ChaCha8Rng::seed_from_u64(settings.seed));
    let mut hearing = Hearing::new(settings).map_err(failed)?;
    let outcome = hearing.play(&mut maker, settings.commands);
    outcome.map(|()| hearing.summary).map_err(|report| {
        failed(format!("seed {}, command {}: {report}", settings.seed, hearing.summary.commands))
    })
}

struct Hearing {
    oracle: RealServer,
    witness: Witness,
    summary: Summary,
    heard_at: Instant,
}

impl Hearing {
    fn new(settings: &Settings) -> Result<Hearing, String> {
        let setup = ServerSetup::default();
        let oracle = RealServer::start(settings.ports.clone(), &setup)?;
        let (witness, summary) = (Witness::new(&setup)?, Summary::default());
        let mut hearing = Hearing { oracle, witness, summary, heard_at: Instant::now() };
        for name in CONNECTIONS {
            hearing.connect(name)?;
        }
        hearing.ask_words(CONNECTIONS[0], &["DEBUG", "SET-ACTIVE-EXPIRE", "0"])?;
        for name in CONNECTIONS.iter().skip(1).step_by(2) {
            hearing.ask_words(name, &["HELLO", "3"])?;
        }
        Ok(hearing)
    }

    fn play(&mut self, maker: &mut Maker<'_>, commands: usize) -> Result<(), String> {
        while self.summary.commands < commands {
            let name = CONNECTIONS[maker.below(CONNECTIONS.len())];
            match Round::draw(maker) {
                Round::Pipeline(calls) => drop(self.ask(name, &calls)?),
                Round::Scan(options) => self.scan(name, &options)?,
                Round::RandomKey => drop(self.ask_words(name, &["RANDOMKEY"])?),
                // What 7.0 makes of small limits only the core could show to be another thing.
                Round::Limit(_) => {}
                Round::Quit => {
                    self.oracle.close(name)?;
                    self.connect(name)?;
                }
            }
        }
        Ok(())
    }

    fn connect(&mut self, name: &str) -> Result<(), String> {
        self.oracle.connect(name)?;
        self.oracle.send(name, &encode_command(&["CLIENT", "ID"]))?;
        match self.oracle.receive(name, 1, false)?.replies.first() {
            Some(Reply::Integer(id)) => self.witness.connect(name, &self.oracle.address(name), *id),
            other => return Err(format!("CLIENT ID answers {other:?}")),
        }
        Ok(())
    }

    fn ask(&mut self, name: &str, calls: &[Call]) -> Result<Vec<Reply>, String> {
        let elapsed = self.heard_at.elapsed();
        self.heard_at += elapsed;
        self.witness.clock.wall_us = u64::try_from(wall_us()).unwrap_or_default();
        self.witness.clock.monotonic_us += u64::try_from(elapsed.as_micros()).unwrap_or_default();
        let bytes: Vec<u8> = calls.iter().flat_map(|call| encode_command(&call.words)).collect();
        self.oracle.send(name, &bytes)?;
        let received = self.oracle.receive(name, calls.len(), false)?;
        if received.replies.len() != calls.len() {
            return Err(format!("{} replies to {} commands", received.replies.len(), calls.len()));
        }
        for (call, reply) in calls.iter().zip(&received.replies) {
            self.summary.commands += 1;
            self.summary.errors += usize::from(reply.is_error());
            let is_judged = self
                .witness
                .hear(name, call, reply, is_known_otherwise(call.rule, reply))
                .map_err(|what| format!("{}\n{what}", show(&encode_command(&call.words))))?;
            self.summary.judged += usize::from(is_judged);
            self.summary.excused += usize::from(!is_judged);
        }
        Ok(received.replies)
    }

    fn ask_words(&mut self, name: &str, text: &[&str]) -> Result<Vec<Reply>, String> {
        self.ask(name, &[Call { words: words(text), rule: Rule::Exact }])
    }

    /// A whole iteration, unless it takes too long.
    fn scan(&mut self, name: &str, options: &[Vec<u8>]) -> Result<(), String> {
        let mut cursor = b"0".to_vec();
        for _ in 0..PAGES_MAX {
            let words = [vec![b"SCAN".to_vec(), cursor.clone()], options.to_vec()].concat();
            let replies = self.ask(name, &[Call { words, rule: Rule::Exact }])?;
            let Some(Reply::Array(pair)) = replies.first() else { return Ok(()) };
            let Some(Reply::Bulk(next)) = pair.first() else { return Ok(()) };
            if next == b"0" {
                return Ok(());
            }
            cursor.clone_from(next);
        }
        Ok(())
    }
}
