//! A run that is killed while it spends: no money is forgotten, and nothing is bought twice.

use crate::support::{Home, Script, Standin, wait_until};
use rustix::process::Signal;
use serde_json::{Value, json};

/// Picos in an amount of dollars, as the program writes it.
fn picos(amount: &Value) -> u64 {
    let (whole, fraction) = amount.as_str().unwrap().split_once('.').unwrap();
    format!("{whole}{fraction:0<12}").parse().unwrap()
}

/// A Hub at which an hour of the hardware is a dollar, and whose clock stands until it is moved.
fn hub() -> Standin {
    Standin::start(&["jobs", "--token", "hf_test", "--user", "ada", "--speed", "0", "--unit", "hour"])
}

fn asked(hub: &Standin, wanted: &str) -> bool {
    let requests = hub.state()["requests"].as_array().unwrap().clone();
    requests.iter().any(|request| request.to_string().contains(wanted))
}

#[test]
fn a_run_that_is_killed_at_any_point_of_a_launch_forgets_no_money_and_launches_no_job_twice() {
    for (point, request, held) in [
        ("hardware", "/api/jobs/hardware", false),
        ("whoami", "/api/whoami-v2", true),
        ("launch", "/api/jobs/ada", true),
        ("logs", "/logs", true),
    ] {
        let (home, hub) = (Home::new(), hub());
        home.configure(&format!("[hf]\nendpoint = \"{}\"\n", hub.base));
        hub.http("POST", "/_standin/inject", Some(&json!({"kind": "hold_answer", "on": point})));
        let job = json!({"operation": "run", "flavor": "a10g-small", "timeout": "1h", "command": ["true"]});
        let model = home.script(Script::new().call("hf_jobs", job).say("Done."));
        let mut running = home.run(&model, &["--mode", "yolo:1.50"]).env("HF_TOKEN", "hf_test").go();
        let id = running.until_type("session")["id"].as_str().unwrap().to_owned();
        wait_until("the Hub is asked", || asked(&hub, request));
        running.signal(Signal::KILL);
        running.end().assert(-9);
        hub.http("DELETE", "/_standin/inject", None);

        let launched = hub.state()["launches"].as_u64().unwrap();
        let spend = home.show(&id)["spend"]["budget"].clone();
        let kept = picos(&spend["held"]) + picos(&spend["open"]) + picos(&spend["settled"]);
        assert_eq!(kept > 0, held, "{point}: {spend}");
        assert!(held || launched == 0, "{point}: launched before it was held");
        home.remit(&["resume", &id, "--json"]).env("HF_TOKEN", "hf_test").end().assert(0);
        home.verify(&id);

        // It is over by now, and what it was billed is booked; of one that never was, the hold is kept until that is sure.
        hub.http("POST", "/_standin/advance", Some(&json!({"seconds": 7_200})));
        let ended = home.remit(&["resume", &id, "and now?", "--json"]).env("HF_TOKEN", "hf_test").end();
        ended.assert(0);
        home.verify(&id);
        let state = hub.state();
        assert_eq!(state["launches"].as_u64(), Some(launched), "{point}: nothing is launched again");
        let billed: u64 =
            state["jobs"].as_array().unwrap().iter().map(|job| job["billedMicroUSD"].as_u64().unwrap()).sum();
        let spend = ended.event("end")["spend"]["budget"].clone();
        let booked = picos(&spend["settled"]);
        match launched {
            0 => assert_eq!(picos(&spend["open"]) > 0, held, "{point}: {spend}"),
            _ => {
                assert_eq!(picos(&spend["open"]), 0, "{point}: {spend}");
                assert!(booked + 1_000_000 >= billed * 1_000_000, "{point}: {spend}, billed {billed}");
                assert!(booked < (billed + 1) * 1_000_000 + 20_000_000_000, "{point}: {spend}, billed {billed}");
            }
        }
    }
}
