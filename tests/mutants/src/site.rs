//! Where a file can be changed: read from its syntax.

use std::ops::Range;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, Stmt, UnOp};

/// A place that a mutant can be woven into.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) kind: Kind,
    /// The bytes of the whole construct.
    pub(crate) whole: Range<usize>,
    /// The function that it stands in.
    pub(crate) function: String,
    /// Whether it is evaluated when compiling: a constant, a length, a discriminant.
    pub(crate) constant: bool,
    /// The bytes of `const ` of the function around it, if that is one.
    pub(crate) const_fn: Option<Range<usize>>,
}

/// What stands there.
#[derive(Debug)]
pub(crate) enum Kind {
    /// `left op right`, and whether `let` stands in the same chain.
    Binary { operator: Range<usize>, op: String, chain: bool },
    /// `!operand` or `-operand`.
    Unary { operator: Range<usize>, not: bool },
    /// The statements of a function.
    Body,
    /// An arm of a `match`: where its pattern ends, and its guard.
    Arm { pattern_end: usize, guard: Option<Range<usize>> },
    /// An `if`.
    If { condition: Range<usize>, has_let: bool, has_else: bool },
    /// A call whose value is not kept, or an assignment.
    Statement,
}

/// The sites of a file, the outer before the inner.
pub(crate) fn sites(text: &str) -> syn::Result<Vec<Site>> {
    let file = syn::parse_file(text)?;
    let mut finder = Finder::default();
    finder.visit_file(&file);
    Ok(finder.sites)
}

#[derive(Default)]
struct Finder {
    sites: Vec<Site>,
    names: Vec<String>,
    constants: usize,
    const_fn: Option<Range<usize>>,
    /// Operators that stand in a chain with `let`.
    chained: Vec<Range<usize>>,
}

impl Finder {
    fn found(&mut self, kind: Kind, whole: Range<usize>) {
        self.sites.push(Site {
            kind,
            whole,
            function: self.names.join("::"),
            constant: self.constants > 0,
            const_fn: self.const_fn.clone(),
        });
    }

    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let outer = self.const_fn.take();
        self.const_fn = signature.constness.map(|word| bytes(&word));
        self.names.push(signature.ident.to_string());
        if let (Some(first), Some(last)) = (block.stmts.first(), block.stmts.last()) {
            self.found(Kind::Body, bytes(first).start..bytes(last).end);
        }
        visit::visit_block(self, block);
        self.names.pop();
        self.const_fn = outer;
    }

    fn constant(&mut self, within: impl FnOnce(&mut Self)) {
        self.constants += 1;
        within(self);
        self.constants -= 1;
    }

    fn within(&mut self, name: Option<String>, visit: impl FnOnce(&mut Self)) {
        let named = name.is_some();
        self.names.extend(name);
        visit(self);
        if named {
            self.names.pop();
        }
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !for_tests(&item.attrs) {
            self.function(&item.sig, &item.block);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if for_tests(&item.attrs) {
            return;
        }
        let name = match &*item.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        self.within(name, |finder| visit::visit_item_impl(finder, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !for_tests(&item.attrs) {
            self.function(&item.sig, &item.block);
        }
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block);
        }
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.constant(|finder| visit::visit_item_const(finder, item));
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.constant(|finder| visit::visit_item_static(finder, item));
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.constant(|finder| visit::visit_impl_item_const(finder, item));
    }

    fn visit_type_array(&mut self, item: &'ast syn::TypeArray) {
        self.constant(|finder| visit::visit_type_array(finder, item));
    }

    fn visit_expr_repeat(&mut self, item: &'ast syn::ExprRepeat) {
        self.visit_expr(&item.expr);
        self.constant(|finder| finder.visit_expr(&item.len));
    }

    fn visit_generic_argument(&mut self, item: &'ast syn::GenericArgument) {
        self.constant(|finder| visit::visit_generic_argument(finder, item));
    }

    fn visit_variant(&mut self, item: &'ast syn::Variant) {
        self.constant(|finder| visit::visit_variant(finder, item));
    }

    fn visit_expr_binary(&mut self, item: &'ast syn::ExprBinary) {
        let operator = bytes(&item.op);
        let logical = matches!(item.op, BinOp::And(_) | BinOp::Or(_));
        let chain =
            self.chained.contains(&operator) || logical && has_let(&Expr::Binary(item.clone()));
        if chain {
            for side in [&item.left, &item.right] {
                if let Expr::Binary(inner) = &**side {
                    self.chained.push(bytes(&inner.op));
                }
            }
        }
        let op = words(&item.op);
        self.found(Kind::Binary { operator, op, chain: chain && logical }, bytes(item));
        visit::visit_expr_binary(self, item);
    }

    fn visit_expr_unary(&mut self, item: &'ast syn::ExprUnary) {
        if let UnOp::Not(_) | UnOp::Neg(_) = item.op {
            let not = matches!(item.op, UnOp::Not(_));
            self.found(Kind::Unary { operator: bytes(&item.op), not }, bytes(item));
        }
        visit::visit_expr_unary(self, item);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        let guard = arm.guard.as_ref().map(|(_, guard)| bytes(&**guard));
        self.found(Kind::Arm { pattern_end: bytes(&arm.pat).end, guard }, bytes(arm));
        visit::visit_arm(self, arm);
    }

    fn visit_expr_if(&mut self, item: &'ast syn::ExprIf) {
        let condition = bytes(&*item.cond);
        let (has_let, has_else) = (has_let(&item.cond), item.else_branch.is_some());
        self.found(Kind::If { condition, has_let, has_else }, bytes(item));
        visit::visit_expr_if(self, item);
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        if let Stmt::Expr(expression, Some(_)) = statement
            && removable(expression)
        {
            self.found(Kind::Statement, bytes(statement));
        }
        visit::visit_stmt(self, statement);
    }
}

/// Whether a statement without its expression is still one: calls and assignments.
fn removable(expression: &Expr) -> bool {
    match expression {
        Expr::Try(inner) => removable(&inner.expr),
        Expr::Await(inner) => removable(&inner.base),
        Expr::Call(_) | Expr::MethodCall(_) | Expr::Assign(_) => true,
        Expr::Binary(inner) => words(&inner.op).len() > 1 && words(&inner.op).ends_with('='),
        _ => false,
    }
}

/// Whether `let` stands in a chain of `&&`.
fn has_let(expression: &Expr) -> bool {
    match expression {
        Expr::Let(_) => true,
        Expr::Binary(inner) => has_let(&inner.left) || has_let(&inner.right),
        _ => false,
    }
}

/// Whether an item is compiled for tests alone.
fn for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::Path(path) => path.is_ident("test"),
        syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        syn::Meta::NameValue(_) => false,
    })
}

fn bytes(item: &impl Spanned) -> Range<usize> {
    item.span().byte_range()
}

fn words(op: &BinOp) -> String {
    op.span().source_text().unwrap_or_default()
}
