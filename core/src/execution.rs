//! Which requests were run, in which order, and what each of them changed: for a simulator whose model runs the
//! same requests beside the server. A request that waits for a key is run twice: when it came, and when it is served.

use crate::commands::{Command, Flags};
use crate::core::Core;
use crate::net::ConnId;

/// How a request came to be executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutionKind {
    /// It is the first request of its connection that was not executed yet; it may have begun to wait for a key.
    Request,
    /// It is that, and was refused because what it might write cannot be kept.
    Refused,
    /// It waited for a key, and was served.
    Served,
    /// It waited for a key, and its time was over.
    TimedOut,
}

/// One request that was executed, or refused with a reply; or the end of its wait for a key, unless that was the
/// doing of another execution.
///
/// A request that a pause holds back is not one before it runs at last; nonsense and empty requests never are, nor
/// is the line of HTTP on which a connection is cut off without a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Who sent it.
    pub conn: ConnId,
    /// Which of its requests it is.
    pub kind: ExecutionKind,
    /// How long the recorded log of effects was when it began. What lies between the end of the execution before
    /// and here is no command's effect: keys that the server expired of its own accord.
    pub effects_start: usize,
    /// How long that log was when it ended.
    pub effects_end: usize,
}

/// The record, while it is kept.
#[derive(Debug, Default)]
pub(crate) struct Executions {
    is_recording: bool,
    record: Vec<Execution>,
    /// How long the log was when the request under way began.
    effects_start: usize,
    /// How many keys had expired by then.
    expired_keys: u64,
}

impl Core {
    /// Starts or stops recording [executions](Execution).
    pub fn record_executions(&mut self, on: bool) {
        self.executions.is_recording = on;
        self.executions.record.clear();
    }

    /// The executions since the last call, in order. Their offsets are those of what
    /// [`take_propagated`](Self::take_propagated) returns when it is called at the same moments.
    pub fn take_executions(&mut self) -> Vec<Execution> {
        std::mem::take(&mut self.executions.record)
    }

    /// The keys there are, with the numbers of their databases, in order; those past their expiry that nobody has
    /// removed are among them.
    #[must_use]
    pub fn keys(&self) -> Vec<(usize, Vec<u8>)> {
        let mut keys: Vec<(usize, Vec<u8>)> = (0..self.dataset.database_count())
            .flat_map(|index| {
                self.dataset.database(index).iter().map(move |entry| (index, entry.key().to_vec()))
            })
            .collect();
        keys.sort();
        keys
    }

    /// A request is looked at.
    pub(crate) fn begin_execution(&mut self) {
        self.executions.effects_start = self.dataset.log.len();
        self.executions.expired_keys = self.dataset.stats.expired_keys;
    }

    /// It was executed or refused.
    pub(crate) fn end_execution(
        &mut self,
        conn: ConnId,
        kind: ExecutionKind,
        command: Option<&'static Command>,
    ) {
        let Executions { is_recording, record, effects_start, expired_keys } = &mut self.executions;
        if *is_recording {
            let effects_end = self.dataset.log.len();
            record.push(Execution { conn, kind, effects_start: *effects_start, effects_end });
        }
        if self.dataset.stats.expired_keys > *expired_keys {
            let writes = command.is_some_and(|command| command.flags.contains(Flags::WRITE));
            sometimes!(Mark::ExpiredByWrite, writes);
            sometimes!(Mark::ExpiredByRead, !writes);
            sometimes!(Mark::ExpiredDuringPause, self.server.pause.is_some());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ExecutionKind;
    use crate::stage::Stage;

    /// The effects of each execution, between bars, and before each what belongs to none.
    fn show(stage: &mut Stage) -> String {
        let log = stage.core.take_propagated();
        let mut shown = String::new();
        let mut end = 0;
        let words = |bytes: &[u8]| {
            let lines = String::from_utf8_lossy(bytes).into_owned();
            lines.split("\r\n").filter(|line| !line.starts_with(['*', '$'])).collect::<Vec<_>>().join(" ")
        };
        for execution in stage.core.take_executions() {
            assert_eq!(execution.conn, stage.conn);
            shown += &words(&log[end..execution.effects_start]);
            shown += &format!("|{}| ", words(&log[execution.effects_start..execution.effects_end]).trim());
            end = execution.effects_end;
        }
        shown + &words(&log[end..])
    }

    fn stage() -> Stage {
        let mut stage = Stage::new();
        stage.core.record_executions(true);
        stage
    }

    #[test]
    fn whatever_is_answered_is_an_execution() {
        let mut stage = stage();
        stage.say("SET k v\r\nNOSUCH\r\nGET\r\n\r\n*0\r\nGET k\r\n*1\r\n$x\r\n");
        assert_eq!(show(&mut stage), "|SELECT 0 SET k v| || || || ");
        assert_eq!(show(&mut stage), "");
    }

    #[test]
    fn what_expires_by_itself_is_no_commands_effect() {
        let mut stage = stage();
        stage.say("SET a 1 PX 10\r\n");
        stage.pass(500);
        stage.say("");
        stage.say("SET b 1 PX 10\r\n");
        stage.pass(100);
        stage.say("GET b\r\n");
        assert_eq!(show(&mut stage), "|SELECT 0 SET a 1 PXAT 1000010| DEL a |SET b 1 PXAT 1000510| |DEL b| ");
    }

    #[test]
    fn what_a_pause_holds_back_is_executed_once_and_late() {
        let mut stage = stage();
        stage.say("CLIENT PAUSE 100 WRITE\r\nGET a\r\nSET a 1\r\nGET a\r\n");
        assert_eq!(show(&mut stage), "|| || ");
        stage.pass(100);
        stage.say("");
        assert_eq!(show(&mut stage), "|SELECT 0 SET a 1| || ");
    }

    #[test]
    fn who_waits_is_served_after_the_execution_that_woke_it() {
        let mut stage = stage();
        let waiter = stage.conn;
        stage.say("BLPOP l 0\r\n");
        let pusher = {
            stage.connect();
            stage.conn
        };
        stage.say("MULTI\r\nRPUSH l a\r\nSET k v\r\nEXEC\r\n");
        let kinds: Vec<_> =
            stage.core.take_executions().iter().map(|execution| (execution.conn, execution.kind)).collect();
        let request = (pusher, ExecutionKind::Request);
        let served = (waiter, ExecutionKind::Served);
        assert_eq!(kinds, [(waiter, ExecutionKind::Request), request, request, request, request, served]);
    }

    #[test]
    fn a_wait_that_ends_with_time_is_told() {
        let mut stage = stage();
        stage.say("BLPOP l 0.1\r\n");
        stage.pass(99);
        stage.say("");
        assert_eq!(stage.core.take_executions().len(), 1);
        stage.pass(1);
        stage.say("");
        let executions = stage.core.take_executions();
        assert_eq!(
            executions.iter().map(|execution| execution.kind).collect::<Vec<_>>(),
            [ExecutionKind::TimedOut]
        );
    }

    #[test]
    fn http_is_cut_off_without_an_execution() {
        let mut stage = stage();
        stage.say("GET / HTTP/1.1\r\nHost: localhost\r\nSET k v\r\n");
        assert_eq!(show(&mut stage), "|| ");
    }
}
