//! The rate limit: never more than its rate and burst in any window, and never less than it promises.

use n2o::Rate;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_window_holds_more_than_it_may(
        rate in 1_u32..200,
        burst in 1_u32..50,
        waits in prop::collection::vec(prop_oneof![Just(0_u64), 0_u64..20, 0_u64..2_000], 1..300),
    ) {
        let (mut gate, mut now, mut passed) = (Rate::new(rate, burst), 0, Vec::new());
        for wait in waits {
            now += wait;
            if gate.allow(now) {
                passed.push(now);
            }
        }
        for (at, from) in passed.iter().enumerate() {
            for (count, to) in passed[at..].iter().enumerate() {
                let most = f64::from(burst) + (to - from) as f64 * f64::from(rate) / 1000.0 + 0.01;
                prop_assert!((count + 1) as f64 <= most + 1e-6, "{} in {} ms", count + 1, to - from);
            }
        }
    }

    #[test]
    fn who_keeps_to_the_rate_always_passes(rate in 1_u32..200, burst in 1_u32..50, cells in 1_u64..500) {
        let mut gate = Rate::new(rate, burst);
        for cell in 0..cells {
            prop_assert!(gate.allow(cell * 1000_u64.div_ceil(u64::from(rate))));
        }
    }

    #[test]
    fn a_calm_gate_lets_a_burst_pass(rate in 1_u32..200, burst in 1_u32..50, at in 0_u64..1 << 40) {
        let mut gate = Rate::new(rate, burst);
        prop_assert!(gate.is_calm(at));
        for _ in 0..burst {
            prop_assert!(gate.allow(at));
        }
        prop_assert!(!gate.allow(at));
        prop_assert!(!gate.is_calm(at));
        prop_assert!(gate.is_calm(at + 1000 * u64::from(burst)));
    }
}
