//! What a server says without being asked: progress, questions, and that its list of tools is another now.
//!
//! Not here: log messages, which the protocol has given up; they are dropped. A server's standard error is its log.

use crate::elicitation::Questions;
use crate::link::Routes;
use crate::text::one_line;
use rmcp::ClientHandler;
use rmcp::model::{
    ClientCapabilities, ClientConfig, CustomRequest, CustomResult, ElicitRequestParams, ElicitResult,
    ElicitationAction, ElicitationCapability, ErrorCode, ErrorData, FormElicitationCapability, Implementation,
    ProgressNotificationParam, ProtocolVersion, UrlElicitationCapability,
};
use rmcp::service::{NotificationContext, RequestContext, RoleClient};
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::Notify;

/// The longest line of progress.
const LONGEST_NOTE: usize = 200;

/// Listens to one connection.
#[derive(Clone, Debug)]
pub(crate) struct Ear {
    pub(crate) routes: Routes,
    pub(crate) questions: Arc<Questions>,
    /// Told when the list of tools is no longer what it was. Many tellings before somebody looks are one.
    pub(crate) stale: Arc<Notify>,
}

impl ClientHandler for Ear {
    fn get_info(&self) -> ClientConfig {
        let elicitation = ElicitationCapability::new()
            .with_form(FormElicitationCapability::new())
            .with_url(UrlElicitationCapability::new());
        let mut capabilities = ClientCapabilities::default();
        capabilities.elicitation = Some(elicitation);
        ClientConfig::new(capabilities, Implementation::new("remit", env!("CARGO_PKG_VERSION")))
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let decline = ElicitResult::new(ElicitationAction::Decline);
        let Ok(params) = serde_json::to_value(&request) else {
            return Ok(decline);
        };
        let said = self.put(&params, &context).await?;
        Ok(serde_json::from_value(said).unwrap_or(decline))
    }

    /// A question that does not have the form the SDK expects is a question all the same.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleClient>,
    ) -> Result<CustomResult, ErrorData> {
        if request.method != "elicitation/create" {
            let method = one_line(&request.method, 64);
            return Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, method, None));
        }
        let params = request.params.unwrap_or_default();
        self.put(&params, &context).await.map(CustomResult::new)
    }

    async fn on_progress(&self, progress: ProgressNotificationParam, _context: NotificationContext<RoleClient>) {
        let routes = self.routes.lock().await;
        if let Some(call) = routes.get(&progress.progress_token) {
            // A line that nobody reads in time is dropped.
            let _ = call.try_send(note(&progress));
        }
    }

    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.stale.notify_one();
    }
}

impl Ear {
    async fn put(&self, params: &Value, context: &RequestContext<RoleClient>) -> Result<Value, ErrorData> {
        tokio::select! {
            said = self.questions.ask(params) => Ok(said),
            () = context.ct.cancelled() => Err(ErrorData::internal_error("the question was withdrawn", None)),
        }
    }
}

/// A line about progress: `3/10: words`.
fn note(progress: &ProgressNotificationParam) -> String {
    let total = progress.total.map(|total| format!("/{total}")).unwrap_or_default();
    let words = progress.message.as_deref().map(|words| format!(": {words}")).unwrap_or_default();
    one_line(&format!("{}{total}{words}", progress.progress), LONGEST_NOTE)
}
