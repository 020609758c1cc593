//! Whether the process that wrote a file is still there.

use serde::{Deserialize, Serialize};

/// A process, so that another one can tell whether it lives: number and time of start on one start
/// of one machine, in one space of process numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Name of the machine.
    pub host: String,
    /// What names this start of the machine, and the space of process numbers (containers have
    /// their own).
    pub place: String,
    /// Its number.
    pub number: u32,
    /// When it started, in the clock of the machine.
    pub started: u64,
}

/// Whether a process is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// It is.
    Alive,
    /// It is not.
    Dead,
    /// It is, or was, on another machine.
    Elsewhere,
}

impl Process {
    /// This process.
    #[must_use]
    pub fn this() -> Self {
        let number = std::process::id();
        Self {
            host: whoami::hostname().unwrap_or_else(|_| "unknown".to_owned()),
            place: place(),
            number,
            started: start_time(number).unwrap_or(0),
        }
    }

    /// Whether it is still there, as far as this machine can tell.
    #[must_use]
    pub fn liveness(&self) -> Liveness {
        let here = place();
        if here.is_empty() || self.place != here {
            return Liveness::Elsewhere;
        }
        match start_time(self.number) {
            Some(started) if started == self.started => Liveness::Alive,
            _ => Liveness::Dead,
        }
    }
}

/// This start of this machine and this space of process numbers; empty where that is not known.
#[cfg(target_os = "linux")]
fn place() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let space = std::fs::read_link("/proc/self/ns/pid");
    let space = space.map_or_else(|_| String::new(), |space| space.display().to_string());
    match boot.trim() {
        "" => String::new(),
        boot => format!("{boot} {space}"),
    }
}

#[cfg(not(target_os = "linux"))]
fn place() -> String {
    String::new()
}

/// Field 22 of `/proc/NUMBER/stat`, in ticks since the start of the machine. The second field is a
/// name in parentheses, which may hold anything. A process that has ended and was not waited for
/// counts as gone.
#[cfg(target_os = "linux")]
fn start_time(number: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(not(target_os = "linux"))]
fn start_time(_number: u32) -> Option<u64> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_one_that_was_waited_for_does_not() {
        let this = Process::this();
        assert_eq!(this.liveness(), Liveness::Alive);
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let number = child.id();
        let other = Process {
            number,
            started: start_time(number).unwrap(),
            ..this.clone()
        };
        assert_eq!(other.liveness(), Liveness::Alive);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(other.liveness(), Liveness::Dead);
        let reused = Process {
            started: this.started + 1,
            ..this.clone()
        };
        assert_eq!(reused.liveness(), Liveness::Dead);
        let place = "another start".to_owned();
        assert_eq!(Process { place, ..this }.liveness(), Liveness::Elsewhere);
    }
}
