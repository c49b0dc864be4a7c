//! All mutants of a file in one text: each is chosen by its number when the tests run.

use crate::mutant::{Change, Mutant};
use crate::site::{Kind, Site};
use std::collections::BTreeSet;
use std::ops::Range;

/// A file with mutants in it.
#[derive(Debug)]
pub(crate) struct Woven {
    pub(crate) text: String,
    /// Which bytes belong to which mutants; the outer before the inner.
    pieces: Vec<(Range<usize>, Vec<u32>)>,
    /// Whole constructs as they stand in the text, the outer before the inner.
    wholes: Vec<(Range<usize>, Vec<u32>)>,
}

impl Woven {
    /// The mutants that a compiler's complaint about these bytes is about.
    pub(crate) fn blamed(&self, place: &Range<usize>) -> BTreeSet<u32> {
        let meets = |piece: &Range<usize>| piece.start < place.end && place.start < piece.end;
        let pieces = self.pieces.iter().filter(|(piece, ids)| meets(piece) && !ids.is_empty());
        let blamed: BTreeSet<u32> = pieces.flat_map(|(_, ids)| ids.clone()).collect();
        if !blamed.is_empty() {
            return blamed;
        }
        let around = |whole: &Range<usize>| whole.start <= place.start && place.end <= whole.end;
        let innermost = self.wholes.iter().filter(|(whole, _)| around(whole));
        let innermost = innermost.min_by_key(|(whole, _)| whole.len());
        innermost.map(|(_, ids)| ids.iter().copied().collect()).unwrap_or_default()
    }
}

/// Weaves the mutants into a text. A function that holds one is no longer `const`.
pub(crate) fn weave(text: &str, sites: &[Site], mutants: &[&Mutant]) -> Woven {
    let mut edits = Edits::default();
    let mut unconst = BTreeSet::new();
    let mut wholes = Vec::new();
    for (turn, site) in sites.iter().enumerate() {
        let here: Vec<&Mutant> = mutants.iter().copied().filter(|m| belongs(site, m)).collect();
        if here.is_empty() {
            continue;
        }
        edits.turn = turn;
        edits.site(site, &here);
        wholes.push((site.whole.clone(), here.iter().map(|mutant| mutant.id).collect()));
        if let Some(word) = &site.const_fn
            && unconst.insert(word.start)
        {
            edits.replace(word.clone(), "", &[]);
        }
    }
    edits.apply(text, wholes)
}

/// The text with one mutant in the plain way.
pub(crate) fn plainly(text: &str, mutant: &Mutant) -> String {
    let replacement = match &mutant.change {
        Change::Body(value) => value.clone(),
        Change::Operator(operator) => operator.clone(),
        Change::Guard(value) | Change::Condition(value) => value.to_string(),
        Change::Unary | Change::Arm | Change::Field | Change::Statement => String::new(),
    };
    let mut text = text.to_owned();
    text.replace_range(mutant.place.clone(), &replacement);
    text
}

/// Whether a mutant is woven in at a site.
pub(crate) fn belongs(site: &Site, mutant: &Mutant) -> bool {
    let start = mutant.place.start;
    match (&site.kind, &mutant.change) {
        (Kind::Binary { operator, .. }, Change::Operator(_))
        | (Kind::Unary { operator, .. }, Change::Unary) => operator.start == start,
        (Kind::Body, Change::Body(_))
        | (Kind::Arm { .. }, Change::Arm)
        | (Kind::Statement, Change::Statement) => site.whole.start == start,
        (Kind::Arm { guard: Some(guard), .. }, Change::Guard(_)) => guard.start == start,
        (Kind::If { condition, .. }, Change::Condition(_)) => condition.start == start,
        _ => false,
    }
}

/// A change of the text: what stands at `at`, for `len` bytes, gives way to `text`.
struct Edit {
    /// Order at one place: what ends comes before what begins, the inner before the outer, then
    /// what begins, the outer before the inner.
    key: (usize, i8, isize, usize),
    len: usize,
    text: String,
    ids: Vec<u32>,
}

#[derive(Default)]
struct Edits {
    edits: Vec<Edit>,
    turn: usize,
}

impl Edits {
    fn add(&mut self, at: usize, rank: i8, len: usize, text: &str, ids: &[u32]) {
        let turn = isize::try_from(self.turn).unwrap_or(isize::MAX);
        let turn = if rank == 0 { -turn } else { turn };
        let key = (at, rank, turn, self.edits.len());
        self.edits.push(Edit { key, len, text: text.to_owned(), ids: ids.to_vec() });
    }

    fn close(&mut self, at: usize, text: &str, ids: &[u32]) {
        self.add(at, 0, 0, text, ids);
    }

    fn open(&mut self, at: usize, text: &str, ids: &[u32]) {
        self.add(at, 1, 0, text, ids);
    }

    fn replace(&mut self, place: Range<usize>, text: &str, ids: &[u32]) {
        self.add(place.start, 2, place.len(), text, ids);
    }

    fn site(&mut self, site: &Site, mutants: &[&Mutant]) {
        let Range { start, end } = site.whole;
        let Some(first) = mutants.first() else { return };
        let ids: Vec<u32> = mutants.iter().map(|mutant| mutant.id).collect();
        match &site.kind {
            Kind::Body => {
                for mutant in mutants {
                    if let Change::Body(value) = &mutant.change {
                        let text = format!("if {} {{ return {value}; }} ", on(mutant.id));
                        self.open(start, &text, &[mutant.id]);
                    }
                }
            }
            Kind::Binary { operator, op, .. } => {
                self.binary(&site.whole, operator, op, mutants);
            }
            Kind::Unary { operator, not: true } => {
                self.replace(operator.clone(), "((", &ids);
                self.close(end, &format!(") == {})", on(first.id)), &ids);
            }
            Kind::Unary { operator, not: false } => {
                self.replace(operator.clone(), "(match (", &ids);
                let chosen = on(first.id);
                self.close(end, &format!(") {{ v => if {chosen} {{ v }} else {{ -v }} }})"), &ids);
            }
            Kind::Arm { pattern_end, guard } => {
                let (always, never) = (chosen(mutants, true), chosen(mutants, false));
                match guard {
                    None => self.close(*pattern_end, &format!(" if !({never})"), &ids),
                    Some(guard) => {
                        self.open(guard.start, &format!("(({always}) || (!({never}) && ("), &ids);
                        self.close(guard.end, ")))", &ids);
                    }
                }
            }
            Kind::If { condition, has_let, .. } => {
                let (always, never) = (chosen(mutants, true), chosen(mutants, false));
                if *has_let {
                    self.open(condition.start, &format!("!({never}) && "), &ids);
                } else {
                    self.open(condition.start, &format!("(({always}) || (!({never}) && ("), &ids);
                    self.close(condition.end, ")))", &ids);
                }
            }
            Kind::Statement => {
                self.open(start, &format!("if !{} {{ ", on(first.id)), &ids);
                self.close(end, " }", &ids);
            }
        }
    }

    fn binary(
        &mut self,
        whole: &Range<usize>,
        operator: &Range<usize>,
        op: &str,
        mutants: &[&Mutant],
    ) {
        let ids: Vec<u32> = mutants.iter().map(|mutant| mutant.id).collect();
        let id = ids.first().copied().unwrap_or_default();
        let chosen = on(id);
        match op {
            "==" | "!=" => {
                self.open(whole.start, "((", &ids);
                self.close(whole.end, &format!(") != {chosen})"), &ids);
            }
            "&&" | "||" => {
                self.open(whole.start, "(if (", &ids);
                let (middle, behind) = if op == "&&" {
                    (format!(") != {chosen} {{"), format!("}} else {{ {chosen} }})"))
                } else {
                    (format!(") != {chosen} {{ !{chosen} }} else {{"), "})".to_owned())
                };
                self.replace(operator.clone(), &middle, &ids);
                self.close(whole.end, &behind, &ids);
            }
            "<" | "<=" | ">" | ">=" => {
                self.open(whole.start, "crate::woven::compare(&(", &ids);
                self.replace(operator.clone(), "), &(", &ids);
                self.close(whole.end, &format!("), {op:?}, &["), &ids);
                for (mutant, other) in operators(mutants) {
                    self.close(whole.end, &format!("({}, {other:?}), ", mutant.id), &[mutant.id]);
                }
                self.close(whole.end, "])", &ids);
            }
            _ => {
                let assigns = op.ends_with('=');
                let (take, left) = if assigns { ("&mut ", "*l") } else { ("", "l") };
                self.open(whole.start, &format!("(match ({take}("), &ids);
                self.replace(operator.clone(), "), (", &ids);
                self.close(whole.end, ")) { (l, r) => ", &ids);
                for (mutant, other) in operators(mutants) {
                    let text = format!("if {} {{ {left} {other} r }} else ", on(mutant.id));
                    self.close(whole.end, &text, &[mutant.id]);
                }
                self.close(whole.end, &format!("{{ {left} {op} r }} }})"), &ids);
            }
        }
    }

    fn apply(mut self, text: &str, wholes: Vec<(Range<usize>, Vec<u32>)>) -> Woven {
        self.edits.sort_by_key(|edit| edit.key);
        let mut woven = String::with_capacity(text.len() * 2);
        let mut pieces = Vec::new();
        let mut moved = Vec::new();
        let mut passed = 0;
        for edit in &self.edits {
            let (at, ..) = edit.key;
            woven.push_str(text.get(passed..at).unwrap_or_default());
            moved.push((at, woven.len()));
            let start = woven.len();
            woven.push_str(&edit.text);
            pieces.push((start..woven.len(), edit.ids.clone()));
            passed = at + edit.len;
        }
        moved.push((passed, woven.len()));
        woven.push_str(text.get(passed..).unwrap_or_default());
        let place = |at: usize| {
            let before = moved.partition_point(|(from, _)| *from < at);
            let near = before.checked_sub(1).and_then(|index| moved.get(index));
            near.map_or(at, |(from, to)| to + (at - from))
        };
        let wholes = wholes.into_iter().map(|(whole, ids)| {
            let end = moved.iter().filter(|(from, _)| *from <= whole.end).map(|(_, to)| *to).max();
            (place(whole.start)..end.unwrap_or_default().max(place(whole.end)), ids)
        });
        Woven { wholes: wholes.collect(), pieces, text: woven }
    }
}

fn on(id: u32) -> String {
    format!("crate::woven::on({id})")
}

fn operators<'m>(mutants: &[&'m Mutant]) -> Vec<(&'m Mutant, &'m str)> {
    let each = mutants.iter().filter_map(|mutant| match &mutant.change {
        Change::Operator(operator) => Some((*mutant, operator.as_str())),
        _ => None,
    });
    each.collect()
}

/// Whether the mutant is chosen that makes a guard or condition `value`.
fn chosen(mutants: &[&Mutant], value: bool) -> String {
    let one = mutants.iter().find(|mutant| match mutant.change {
        Change::Guard(always) | Change::Condition(always) => always == value,
        Change::Arm => !value,
        _ => false,
    });
    one.map_or_else(|| "false".to_owned(), |mutant| on(mutant.id))
}

/// What is added to the root of a woven crate.
pub(crate) const CHOICE: &str = r#"
/// Which mutant is chosen.
mod woven {
    static CHOSEN: std::sync::LazyLock<u32> = std::sync::LazyLock::new(|| {
        std::env::var("MBX_MUTANT").ok().and_then(|text| text.parse().ok()).unwrap_or(0)
    });

    pub(crate) fn on(id: u32) -> bool {
        *CHOSEN == id
    }

    pub(crate) fn compare<T: PartialOrd + ?Sized>(
        left: &T,
        right: &T,
        plain: &str,
        others: &[(u32, &str)],
    ) -> bool {
        let other = others.iter().find(|(id, _)| on(*id)).map(|(_, operator)| *operator);
        match other.unwrap_or(plain) {
            "<" => left < right,
            "<=" => left <= right,
            ">" => left > right,
            ">=" => left >= right,
            "==" => left == right,
            _ => left != right,
        }
    }
}
"#;
