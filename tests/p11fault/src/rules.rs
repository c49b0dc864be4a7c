//! Rules: which calls fail, or wait.
//!
//! One rule per line, four words: function, return code, delay, count.
//!
//! ```text
//! C_Decrypt     0x32     0      *     every C_Decrypt returns CKR_DEVICE_REMOVED
//! C_DecryptInit -        60000  1     the next one waits a minute, then goes through
//! C_Sign        garbled  0      1/3   every third one gives other bytes than the real module
//! *             0x30     0      *     every call fails
//! ```
//!
//! `-` as code lets the call through to the real module after the delay (in milliseconds); the name
//! of a [`Spoil`] lets it through and spoils what it gives. A count runs down with each call that
//! the rule catches; of `1/n` each n-th is caught. The first rule that fits decides. Writing the
//! file anew starts the counts anew. A delay under way ends when its rule no longer stands there;
//! with a count of 0 it stands for that alone.

use crate::spoil::Spoil;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// How often a waiting call looks whether the rules have changed.
const SLICE: Duration = Duration::from_millis(5);

static STATE: Mutex<State> = Mutex::new(State { text: String::new(), rules: Vec::new() });

struct State {
    text: String,
    rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rule {
    function: String,
    effect: Effect,
    delay: Duration,
    left: Left,
}

/// What a rule does to a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effect {
    /// It goes through.
    Pass,
    /// It returns this code instead of going through.
    Code(u64),
    /// It goes through, and what it gives is spoilt.
    Spoil(Spoil),
}

/// Which calls a rule still catches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Left {
    All,
    Count(u64),
    Every { n: u64, seen: u64 },
}

impl Rule {
    /// Reads one line; `None` where it is none.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let line = line.split('#').next()?;
        let mut words = line.split_whitespace();
        let function = words.next()?.to_owned();
        let effect = match words.next()? {
            "-" => Effect::Pass,
            word => match Spoil::named(word) {
                Some(spoil) => Effect::Spoil(spoil),
                None => Effect::Code(number(word)?),
            },
        };
        let delay = Duration::from_millis(number(words.next()?)?);
        let left = match words.next()? {
            "*" => Left::All,
            count => match count.strip_prefix("1/") {
                Some(n) => Left::Every { n: number(n)?.max(1), seen: 0 },
                None => Left::Count(number(count)?),
            },
        };
        Some(Self { function, effect, delay, left })
    }

    /// Whether the rule stands there, whatever its count.
    fn stands_in(&self, text: &str) -> bool {
        text.lines().filter_map(Self::parse).any(|other| Self { left: self.left, ..other } == *self)
    }

    /// Whether this call is caught; counts it.
    fn catches(&mut self, function: &str) -> bool {
        if self.function != "*" && self.function != function {
            return false;
        }
        match &mut self.left {
            Left::All => true,
            Left::Count(0) => false,
            Left::Count(left) => {
                *left -= 1;
                true
            }
            Left::Every { n, seen } => {
                *seen += 1;
                (*seen).is_multiple_of(*n)
            }
        }
    }
}

fn number(word: &str) -> Option<u64> {
    match word.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}

/// Applies the rules to a call: waits, and tells what is to become of it.
pub(crate) fn apply(function: &str) -> Effect {
    let text = current();
    let rule = {
        let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
        if state.text != text {
            state.rules = text.lines().filter_map(Rule::parse).collect();
            state.text.clone_from(&text);
        }
        let caught = state.rules.iter_mut().find_map(|rule| rule.catches(function).then_some(rule));
        let Some(rule) = caught else { return Effect::Pass };
        rule.clone()
    };
    let start = Instant::now();
    while start.elapsed() < rule.delay && rule.stands_in(&current()) {
        thread::sleep(SLICE.min(rule.delay));
    }
    rule.effect
}

fn current() -> String {
    let path = env::var_os("P11FAULT_RULES");
    path.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_has_function_code_delay_and_count() {
        let rule = Rule::parse("C_Decrypt 0x32 1500 2 # gone").unwrap();
        assert_eq!(rule.function, "C_Decrypt");
        assert_eq!((rule.effect, rule.left), (Effect::Code(0x32), Left::Count(2)));
        assert_eq!(rule.delay, Duration::from_millis(1500));
        assert_eq!(Rule::parse("* - 0 *").unwrap().effect, Effect::Pass);
        let garbled = Rule::parse("C_Sign garbled 0 1/3").unwrap();
        assert_eq!(garbled.effect, Effect::Spoil(Spoil::Garbled));
        for bad in ["", "# only words", "C_Decrypt", "C_Decrypt 0x32 0", "C_Decrypt gone 0 1"] {
            assert_eq!(Rule::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_rule_stands_as_long_as_a_line_differs_in_its_count_alone() {
        let rule = Rule::parse("C_Sign - 1000 1").unwrap();
        assert!(rule.stands_in("C_Open 0x5 0 *\nC_Sign - 1000 0\n"));
        assert!(!rule.stands_in("C_Sign - 1001 1\nC_Verify - 1000 1\nC_Sign 0x5 1000 1"));
    }

    #[test]
    fn a_rule_catches_its_function_until_its_count_is_used_up() {
        let mut rule = Rule::parse("C_Sign 0x5 0 1").unwrap();
        assert!(!rule.catches("C_SignInit"));
        assert!(rule.catches("C_Sign"));
        assert!(!rule.catches("C_Sign"));
        assert!(Rule::parse("* 0x5 0 *").unwrap().catches("C_Anything"));
    }

    #[test]
    fn a_rule_for_every_third_call_lets_two_through_each_time() {
        let mut rule = Rule::parse("C_Sign 0x5 0 1/3").unwrap();
        let caught = [(); 6].map(|()| rule.catches("C_Sign"));
        assert_eq!(caught, [false, false, true, false, false, true]);
    }
}
