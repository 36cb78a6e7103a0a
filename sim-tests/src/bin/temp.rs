//! TEMP
use rotom_sim_tests::simulation::*;
fn main() {
    let a: Vec<String> = std::env::args().collect(); let from: u64 = a[2].parse().unwrap(); let n: u64 = a[3].parse().unwrap();
    let profile = Profile::find(&a[1]).unwrap();
    let t = std::time::Instant::now(); let mut counts = Counts::default(); let mut bad = 0;
    let mut sites: std::collections::BTreeMap<String, (u64, u64, String)> = Default::default();
    for seed in from..from + n { let s = draw(profile, seed); let o = run(&s, if n == 1 { Watch::Timeline } else { Watch::Nothing }); counts += &o.counts;
        if n == 1 { for m in &o.timeline { println!("{:>12} {:?} {}", m.at_us, m.client, m.what); } }
        if let Some(f) = o.failure { bad += 1; let e = sites.entry(format!("{} {}", f.oracle.name(), f.site)).or_insert((0, seed, format!("{:?} {}", f.step, f.text))); e.0 += 1; } }
    for (k, (c, s, t)) in &sites { println!("{c:4} {k} seed {s}: {}", t.chars().take(500).collect::<String>()); }
    println!("{bad} bad; {} commands {:.0}/s {:?}", counts.commands, counts.commands as f64 / t.elapsed().as_secs_f64(), counts.faults);
}
