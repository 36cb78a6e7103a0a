//! Draft of drawing and running: a server that is always right, except in a canary.
use super::*;
use crate::workload::Request;
use rand::{RngExt, SeedableRng};

/// Draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// Draft.
    Nothing,
    /// Draft.
    Timeline,
}

/// Draft.
#[must_use]
pub fn draw(profile: &Profile, seed: u64) -> Scenario {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let steps = (0..rng.random_range(5..200u32))
        .map(|id| Step {
            id: id + 1,
            after_us: rng.random_range(0..1000),
            client: rng.random_range(0..5),
            action: if rng.random_ratio(1, 20) {
                Action::Close
            } else {
                let n = rng.random_range(1..4);
                Action::Send(
                    (0..n)
                        .map(|_| {
                            Request::Command(vec![
                                b"SET".to_vec(),
                                format!("key:{}", rng.random_range(0..9)).into_bytes(),
                                b"value".to_vec(),
                            ])
                        })
                        .collect(),
                )
            },
        })
        .collect();
    Scenario {
        profile: profile.name.to_owned(),
        seed,
        settings: Settings::default(),
        faults: Default::default(),
        steps,
    }
}

/// Draft.
#[must_use]
pub fn run(scenario: &Scenario, watch: Watch) -> Outcome {
    let mut counts = Counts::default();
    let mut trace = scenario.seed;
    let mut timeline = Vec::new();
    let mut failure = None;
    for step in &scenario.steps {
        counts.virtual_us += step.after_us;
        if let Action::Send(requests) = &step.action {
            for request in requests {
                counts.commands += 1;
                trace = trace.rotate_left(5) ^ (format!("{request:?}").len() as u64 + step.after_us);
                if watch == Watch::Timeline {
                    timeline.push(Moment {
                        at_us: counts.virtual_us,
                        client: Some(step.client),
                        what: format!("sends {request:?}"),
                    });
                }
                if scenario.settings.is_canary && counts.commands == 3 {
                    failure = Some(Failure {
                        oracle: Oracle::Semantics,
                        site: "set reply".to_owned(),
                        at_us: counts.virtual_us,
                        step: Some(step.id),
                        text: "expected +OK, received -OK".to_owned(),
                    });
                }
            }
        }
    }
    Outcome { failure, trace, counts, marks: Vec::new(), timeline }
}
