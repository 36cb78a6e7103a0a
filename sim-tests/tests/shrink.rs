//! The shrinker on failures whose least form is known.

use proptest::prelude::*;
use rotom_io_sim::FaultKind;
use rotom_sim_tests::shrink::{Shrunk, requests, shrink};
use rotom_sim_tests::simulation::{Action, Failure, Oracle, Scenario, Settings, Step};
use rotom_sim_tests::workload::Request;

const RUNS_MAX: u32 = 5_000;

fn command(words: &[&str]) -> Request {
    Request::Command(words.iter().map(|word| word.as_bytes().to_vec()).collect())
}

/// Many steps of several clients, with everything switched on.
fn noise(steps: u32) -> Scenario {
    let mut settings = Settings::default();
    for (name, value) in [("latency-us", "17"), ("read-len-max", "3"), ("config.hz", "\"100\"")] {
        settings.set(name, value).unwrap();
    }
    Scenario {
        profile: "everything".to_owned(),
        seed: 1,
        settings,
        faults: FaultKind::ALL.iter().map(|&kind| (kind, 1_000)).collect(),
        steps: (1..=steps)
            .map(|id| {
                let key = format!("key:{}", id % 13);
                let action = match id % 10 {
                    0 => Action::Close,
                    _ => Action::Send(vec![
                        command(&["SET", &key, "a value", "PX", "1000", "NX"]),
                        command(&["GET", &key]),
                        Request::Inline(format!("ECHO {id}\r\n").into_bytes()),
                    ]),
                };
                Step { id, after_us: u64::from(id * 37 % 5_000), client: id % 7, action }
            })
            .collect(),
    }
}

fn with_request(mut scenario: Scenario, id: u32, request: Request) -> Scenario {
    let step = scenario.steps.iter_mut().find(|step| step.id == id).unwrap();
    match &mut step.action {
        Action::Send(requests) => requests.insert(1, request),
        Action::Close => step.action = Action::Send(vec![request]),
    }
    scenario
}

/// What is sent: when, by whom, in which step.
fn sent(scenario: &Scenario) -> Vec<(u64, u32, u32, &Request)> {
    let mut now_us = 0;
    let mut sent = Vec::new();
    for step in &scenario.steps {
        now_us += step.after_us;
        if let Action::Send(requests) = &step.action {
            sent.extend(requests.iter().map(|request| (now_us, step.client, step.id, request)));
        }
    }
    sent
}

fn failure(site: &str, step: u32) -> Failure {
    Failure {
        oracle: Oracle::Semantics,
        site: site.to_owned(),
        at_us: 0,
        step: Some(step),
        text: String::new(),
    }
}

/// Whether a command is this one, whatever else it says.
fn is(request: &Request, name: &str, needed: &str) -> bool {
    matches!(request, Request::Command(words) if words[0] == name.as_bytes()
        && words.iter().any(|word| word == needed.as_bytes()))
}

/// Shrinks a scenario that fails as `run` says, and checks what must always hold.
fn check(scenario: &Scenario, mut run: impl FnMut(&Scenario) -> Option<Failure>) -> Shrunk {
    let first = run(scenario).expect("the scenario fails");
    let mut reported = 0;
    let shrunk = shrink(scenario, &first, &mut run, RUNS_MAX, |progress| reported = progress.runs);
    let last = run(&shrunk.scenario).expect("the shrunk scenario fails");
    assert_eq!((last.oracle, &last.site), (first.oracle, &first.site));
    assert_eq!(last, shrunk.failure);
    assert!(shrunk.runs <= RUNS_MAX && reported <= shrunk.runs);
    assert!(requests(&shrunk.scenario) <= requests(scenario));
    shrunk
}

/// Fails when one client has sent APPEND and later INCR, with a fault of a kind that can happen.
fn ordered_pair(scenario: &Scenario) -> Option<Failure> {
    let sent = sent(scenario);
    let (_, client, _, _) = *sent.iter().find(|(_, _, _, request)| is(request, "APPEND", "here"))?;
    let appended = sent.iter().position(|(_, _, _, request)| is(request, "APPEND", "here"))?;
    let (_, _, step, _) = sent[appended..]
        .iter()
        .find(|(_, other, _, request)| *other == client && is(request, "INCR", "there"))?;
    scenario.faults.contains_key(&FaultKind::Reset).then(|| failure("incr reply", *step))
}

fn ordered_pair_in(steps: u32, append: u32, incr: u32) -> Scenario {
    let mut scenario = with_request(noise(steps), append, command(&["APPEND", "here", "much"]));
    scenario = with_request(scenario, incr, command(&["INCR", "there"]));
    let client = append % 7;
    scenario.steps.iter_mut().find(|step| step.id == incr).unwrap().client = client;
    scenario
}

#[test]
fn two_commands_and_a_fault_are_left_of_a_thousand() {
    let scenario = ordered_pair_in(400, 40, 297);
    assert!(requests(&scenario) > 1_000);
    let shrunk = check(&scenario, ordered_pair);
    assert!(!shrunk.is_cut_short, "{} runs", shrunk.runs);
    let small = &shrunk.scenario;
    assert_eq!(small.faults.keys().collect::<Vec<_>>(), [&FaultKind::Reset]);
    assert_eq!(small.settings, Settings::default());
    let ids: Vec<_> = small.steps.iter().map(|step| (step.id, step.after_us, step.client)).collect();
    assert_eq!(ids, [(40, 0, 0), (297, 0, 0)], "steps keep their numbers");
    let left: Vec<_> = sent(small).into_iter().map(|(_, _, _, request)| request.clone()).collect();
    assert_eq!(left, [command(&["APPEND", "here"]), command(&["INCR", "there"])]);
}

#[test]
fn shrinking_again_changes_nothing() {
    let once = check(&ordered_pair_in(120, 11, 99), ordered_pair).scenario;
    assert_eq!(check(&once, ordered_pair).scenario, once);
}

#[test]
fn time_that_is_needed_stays() {
    let run = |scenario: &Scenario| {
        let sent = sent(scenario);
        let (set_us, ..) = sent.iter().find(|(_, _, _, request)| is(request, "SET", "key"))?;
        let (_, _, step, _) =
            sent.iter().find(|(us, _, _, request)| *us > set_us + 250_000 && is(request, "GET", "key"))?;
        Some(failure("get reply", *step))
    };
    let scenario = with_request(noise(400), 1, command(&["SET", "key", "v"]));
    let scenario = with_request(scenario, 399, command(&["GET", "key"]));
    let small = check(&scenario, run).scenario;
    assert_eq!(requests(&small), 2);
    let gaps: Vec<_> = small.steps.iter().map(|step| step.after_us).collect();
    assert!(gaps[0] == 0 && gaps[1] == 1_000_000 || gaps[1] < 1_000_000, "{gaps:?}");
}

#[test]
fn another_failure_is_not_taken_for_this_one() {
    // Without the fault it fails too, but elsewhere.
    let run = |scenario: &Scenario| {
        let found = ordered_pair(&Scenario { faults: [(FaultKind::Reset, 1)].into(), ..scenario.clone() })?;
        let is_same = scenario.faults.contains_key(&FaultKind::Delay);
        Some(if is_same { found } else { Failure { site: "another".to_owned(), ..found } })
    };
    let small = check(&ordered_pair_in(100, 8, 71), run).scenario;
    assert_eq!(small.faults.keys().collect::<Vec<_>>(), [&FaultKind::Delay]);
}

#[test]
fn values_come_down_to_the_length_that_matters() {
    let run = |scenario: &Scenario| {
        let sent = sent(scenario);
        let is_long = |request: &Request| matches!(request, Request::Command(words) if words.iter().any(|word| word.len() >= 16_384));
        sent.iter()
            .find(|(_, _, _, request)| is_long(request))
            .map(|(_, _, step, _)| failure("set reply", *step))
    };
    let value: Vec<u8> =
        (0..100_000_u32).map(|index| index.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let long = Request::Command(vec![b"SET".to_vec(), b"key:77".to_vec(), value]);
    let small = check(&with_request(noise(60), 31, long), run).scenario;
    let expected = Request::Command(vec![b"SET".to_vec(), vec![b'x'; 16_384]]);
    assert_eq!(sent(&small)[0].3, &expected);
}

#[test]
fn keys_that_were_the_same_stay_the_same() {
    let run = |scenario: &Scenario| {
        let sent = sent(scenario);
        let mut appended = sent.iter().filter_map(|(_, _, step, request)| match request {
            Request::Command(words) if words[0] == b"APPEND" => Some((words.get(1)?, step)),
            _ => None,
        });
        let (first, _) = appended.next()?;
        let (_, step) = appended.find(|(key, _)| *key == first)?;
        Some(failure("append reply", *step))
    };
    let scenario = with_request(noise(50), 12, command(&["APPEND", "a-long-key", "v"]));
    let scenario = with_request(scenario, 44, command(&["APPEND", "a-long-key", "w"]));
    let small = check(&scenario, run).scenario;
    let left: Vec<_> = sent(&small).into_iter().map(|(_, _, _, request)| request.clone()).collect();
    assert_eq!(left, [command(&["APPEND", "a"]), command(&["APPEND", "a"])]);
}

#[test]
fn bytes_that_are_no_command_come_down_too() {
    let run = |scenario: &Scenario| {
        sent(scenario).iter().find_map(|(_, _, step, request)| match request {
            Request::Raw(bytes) if bytes.contains(&b'$') => Some(failure("protocol", *step)),
            _ => None,
        })
    };
    let raw = Request::Raw(b"*3\r\n:5\r\nhello\r\n$12\r\n".repeat(20));
    let small = check(&with_request(noise(30), 5, raw), run).scenario;
    assert_eq!(sent(&small)[0].3, &Request::Raw(b"$".to_vec()));
}

#[test]
fn a_budget_is_kept_and_what_was_reached_is_returned() {
    let scenario = ordered_pair_in(400, 40, 297);
    let first = ordered_pair(&scenario).unwrap();
    let mut runs = 0;
    let shrunk = shrink(
        &scenario,
        &first,
        |candidate| {
            runs += 1;
            ordered_pair(candidate)
        },
        12,
        |_| {},
    );
    assert_eq!((runs, shrunk.runs, shrunk.is_cut_short), (12, 12, true));
    assert!(requests(&shrunk.scenario) < requests(&scenario));
    assert!(ordered_pair(&shrunk.scenario).is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn wherever_the_two_commands_stand_they_are_found(append in 1..60_u32, apart in 1..60_u32) {
        let small = check(&ordered_pair_in(120, append, append + apart), ordered_pair).scenario;
        prop_assert_eq!(requests(&small), 2);
        prop_assert_eq!(small.steps.len(), 2);
    }
}
