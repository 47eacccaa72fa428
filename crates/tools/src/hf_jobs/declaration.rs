//! The tool as it is declared to the model.
//!
//! Not here: reading what the model then writes.

use super::arguments::OPERATIONS;
use serde_json::json;
use turn::chat::ToolSpec;

/// Declares the tool. Every byte of it travels with every request, so that only what a model cannot guess is said.
pub(super) fn spec() -> ToolSpec {
    let texts = || json!({"type": "array", "items": {"type": "string"}});
    let pairs = || json!({"type": "object", "additionalProperties": {"type": "string"}});
    ToolSpec {
        name: super::NAME.to_owned(),
        description: "Jobs on Hugging Face hardware; run and uv cost money. run: a command in an image. uv: a Python \
                      script (its text or URL). Both wait and show the log unless detach. scheduled ...: the same on a \
                      schedule."
            .to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {
                "operation": {"type": "string", "enum": OPERATIONS},
                "command": texts(),
                "script": {"type": "string"},
                "dependencies": texts(),
                "python": {"type": "string"},
                "arguments": {"type": "array", "items": {"type": "string"}, "description": "of the script"},
                "image": {"type": "string"},
                "flavor": {"type": "string", "description": "hardware, e.g. cpu-basic (default), a10g-small, a100-large, h200"},
                "timeout": {"type": "string", "description": "e.g. 90s, 30m (default), 2h"},
                "attempts": {"type": "integer"},
                "environment": pairs(),
                "secrets": {"type": "array", "items": {"type": "string"}, "description": "configured names"},
                "labels": pairs(),
                "ports": {"type": "array", "items": {"type": "integer"}},
                "namespace": {"type": "string"},
                "detach": {"type": "boolean"},
                "schedule": {"type": "string", "description": "@daily or cron"},
                "job_id": {"type": "string"},
                "scheduled_job_id": {"type": "string"},
                "tail": {"type": "integer"},
            },
            "required": ["operation"],
        }),
    }
}
