//! Which rooms a file uses, read from its syntax.

use std::collections::BTreeSet;
use std::path::Path;
use syn::visit::{self, Visit};

/// The room that a file of `mbxd/src` belongs to; `None` for `lib.rs` and `main.rs`.
pub(crate) fn room(relative: &Path) -> Option<String> {
    let first = relative.components().next()?.as_os_str().to_str()?;
    match first.strip_suffix(".rs").unwrap_or(first) {
        "lib" | "main" => None,
        name => Some(name.to_owned()),
    }
}

/// The names that follow `crate::` in a file, in imports and in paths, outside of tests.
pub(crate) fn rooms_used(file: &Path, relative: &Path) -> BTreeSet<String> {
    let is_test = relative.components().any(|part| {
        let name = part.as_os_str().to_string_lossy();
        name == "tests" || name == "tests.rs"
    });
    if is_test {
        return BTreeSet::new();
    }
    let text = std::fs::read_to_string(file).unwrap();
    let syntax =
        syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut modules: Vec<String> = relative
        .with_extension("")
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    if modules.last().is_some_and(|name| name == "mod") {
        modules.pop();
    }
    let mut visitor = Visitor { modules, used: BTreeSet::new() };
    visitor.visit_file(&syntax);
    visitor.used
}

struct Visitor {
    /// Where in the crate the visited code stands.
    modules: Vec<String>,
    used: BTreeSet<String>,
}

impl Visitor {
    fn note(&mut self, path: &[String]) {
        let Some(first) = path.first() else { return };
        if first == "crate" {
            self.used.extend(path.get(1).cloned());
        } else if first == "super" {
            let ups = path.iter().take_while(|part| *part == "super").count();
            let mut full = self.modules.clone();
            full.truncate(self.modules.len().saturating_sub(ups));
            full.extend(path.iter().skip(ups).cloned());
            self.used.extend(full.first().cloned());
        }
    }

    fn note_tree(&mut self, prefix: &mut Vec<String>, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.note_tree(prefix, &path.tree);
                prefix.pop();
            }
            syn::UseTree::Name(name) => {
                prefix.push(name.ident.to_string());
                self.note(prefix);
                prefix.pop();
            }
            syn::UseTree::Rename(name) => {
                prefix.push(name.ident.to_string());
                self.note(prefix);
                prefix.pop();
            }
            syn::UseTree::Glob(_) => self.note(prefix),
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.note_tree(prefix, tree);
                }
            }
        }
    }
}

fn is_test_only(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|ident| ident == "test")
    })
}

impl<'ast> Visit<'ast> for Visitor {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_test_only(&item.attrs) {
            self.note_tree(&mut Vec::new(), &item.tree);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if is_test_only(&item.attrs) {
            return;
        }
        if item.content.is_some() {
            self.modules.push(item.ident.to_string());
            visit::visit_item_mod(self, item);
            self.modules.pop();
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test_only(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.note(&parts);
        visit::visit_path(self, path);
    }
}
