//! The calls of the jobs API: which method and path mean what.
//!
//! Not here: what they do.

use serde::{Deserialize, Serialize};

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Route {
    Whoami,
    Hardware,
    Launch,
    List,
    Inspect,
    Logs,
    Metrics,
    Cancel,
    Duplicate,
    Label,
    Expose,
    Schedule,
    Schedules,
    InspectSchedule,
    DeleteSchedule,
    Suspend,
    Resume,
    Reschedule,
    Trigger,
    LabelSchedule,
}

/// A request, understood: what it asks for, of whose jobs, of which one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) route: Route,
    /// Empty where the call has none.
    pub(crate) namespace: String,
    /// Empty where the call has none.
    pub(crate) id: String,
}

impl Call {
    /// Finds the call; `None` if the API has none of this method and path.
    pub(crate) fn find(method: &str, path: &str) -> Option<Call> {
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let (route, namespace, id) = match (method, &segments[..]) {
            ("GET", ["api", "whoami-v2"]) => (Route::Whoami, "", ""),
            ("GET", ["api", "jobs", "hardware"]) => (Route::Hardware, "", ""),
            (_, ["api", "jobs", ns, rest @ ..]) => job_call(method, ns, rest)?,
            (_, ["api", "scheduled-jobs", ns, rest @ ..]) => schedule_call(method, ns, rest)?,
            _ => return None,
        };
        Some(Call { route, namespace: namespace.to_owned(), id: id.to_owned() })
    }
}

type Found<'a> = Option<(Route, &'a str, &'a str)>;

fn job_call<'a>(method: &str, ns: &'a str, rest: &[&'a str]) -> Found<'a> {
    Some(match (method, rest) {
        ("POST", []) => (Route::Launch, ns, ""),
        ("GET", []) => (Route::List, ns, ""),
        ("GET", [id]) => (Route::Inspect, ns, id),
        ("GET", [id, "logs"]) => (Route::Logs, ns, id),
        ("GET", [id, "metrics"]) => (Route::Metrics, ns, id),
        ("POST", [id, "cancel"]) => (Route::Cancel, ns, id),
        ("POST", [id, "duplicate"]) => (Route::Duplicate, ns, id),
        ("PUT", [id, "labels"]) => (Route::Label, ns, id),
        ("PUT", [id, "expose"]) => (Route::Expose, ns, id),
        _ => return None,
    })
}

fn schedule_call<'a>(method: &str, ns: &'a str, rest: &[&'a str]) -> Found<'a> {
    Some(match (method, rest) {
        ("POST", []) => (Route::Schedule, ns, ""),
        ("GET", []) => (Route::Schedules, ns, ""),
        ("GET", [id]) => (Route::InspectSchedule, ns, id),
        ("DELETE", [id]) => (Route::DeleteSchedule, ns, id),
        ("POST", [id, "suspend"]) => (Route::Suspend, ns, id),
        ("POST", [id, "resume"]) => (Route::Resume, ns, id),
        ("POST", [id, "schedule"]) => (Route::Reschedule, ns, id),
        ("POST", [id, "run"]) => (Route::Trigger, ns, id),
        ("PUT", [id, "labels"]) => (Route::LabelSchedule, ns, id),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_never_taken_for_the_hardware_list() {
        let route = |method, path| Call::find(method, path).map(|call| call.route);
        assert_eq!(route("GET", "/api/jobs/hardware"), Some(Route::Hardware));
        assert_eq!(route("GET", "/api/jobs/me"), Some(Route::List));
        assert_eq!(route("POST", "/api/jobs/me"), Some(Route::Launch));
        assert_eq!(route("DELETE", "/api/jobs/me"), None);
        assert_eq!(route("GET", "/api/jobs/me/1/logs/2"), None);
    }
}
