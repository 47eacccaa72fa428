//! Limits of size: files, functions, structs and parameters; and how a file begins.
//!
//! Not here: names.

use super::Finding;
use super::source::{Source, Tree};
use super::tables::{FIELDS, FILE_LINES, FUNCTION_LINES, PARAMETERS};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{FnArg, Signature, Type};

/// Checks that each Rust file opens by saying what it is.
pub fn files_begin_with_their_purpose(tree: &Tree) -> Vec<Finding> {
    let silent = tree.sources.iter().filter(|source| !source.text.starts_with("//! "));
    silent.map(|source| Finding::new(&source.path, 1, "begins without a `//!` that says what the file is")).collect()
}

/// Checks the limits, in tests too; only a file's length is counted without them.
pub fn nothing_outgrows_its_limit(tree: &Tree) -> Vec<Finding> {
    tree.sources.iter().flat_map(limits).collect()
}

fn limits(source: &Source) -> Vec<Finding> {
    let mut walk = Walk { path: &source.path, found: Vec::new() };
    let lines = source.product_lines().count();
    if lines > FILE_LINES {
        walk.say(1, format!("the file has {lines} lines before its tests; {FILE_LINES} is the limit"));
    }
    walk.visit_file(&source.whole);
    walk.found
}

struct Walk<'a> {
    path: &'a str,
    found: Vec<Finding>,
}

impl Walk<'_> {
    fn say(&mut self, line: usize, says: String) {
        self.found.push(Finding::new(self.path, line, says));
    }

    fn length(&mut self, signature: &Signature, block: &syn::Block) {
        let first = signature.fn_token.span.start().line;
        let lines = block.brace_token.span.close().end().line + 1 - first;
        if lines > FUNCTION_LINES {
            let name = &signature.ident;
            self.say(first, format!("function `{name}` has {lines} lines; {FUNCTION_LINES} is the limit"));
        }
    }

    fn parameters(&mut self, signature: &Signature) {
        let name = &signature.ident;
        let line = name.span().start().line;
        let typed = signature.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(&*typed.ty),
            FnArg::Receiver(_) => None,
        });
        let count = typed.clone().count();
        if count > PARAMETERS {
            self.say(line, format!("function `{name}` has {count} parameters; {PARAMETERS} is the limit"));
        }
        if typed.clone().any(is_bool) {
            self.say(line, format!("function `{name}` has a boolean parameter; an enum says which is which"));
        }
    }

    fn fields(&mut self, name: &syn::Ident, fields: &syn::Fields) {
        let count = fields.len();
        if count > FIELDS {
            let line = name.span().start().line;
            self.say(line, format!("`{name}` has {count} fields; {FIELDS} is the limit"));
        }
    }
}

fn is_bool(kind: &Type) -> bool {
    matches!(kind, Type::Path(path) if path.path.is_ident("bool"))
}

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.length(&function.sig, &function.block);
        self.parameters(&function.sig);
        visit::visit_item_fn(self, function);
    }

    /// A method of a trait has the parameters that the trait gives it, so only inherent methods answer for theirs.
    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        for item in &block.items {
            if let syn::ImplItem::Fn(method) = item {
                self.length(&method.sig, &method.block);
                if block.trait_.is_none() {
                    self.parameters(&method.sig);
                }
            }
        }
        visit::visit_item_impl(self, block);
    }

    fn visit_trait_item_fn(&mut self, method: &'ast syn::TraitItemFn) {
        self.parameters(&method.sig);
        if let Some(block) = &method.default {
            self.length(&method.sig, block);
        }
        visit::visit_trait_item_fn(self, method);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.fields(&item.ident, &item.fields);
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.fields(&variant.ident, &variant.fields);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        let lines = called.span().end().line - called.span().start().line;
        let name = called.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        if lines >= FILE_LINES {
            let line = called.span().start().line;
            self.say(line, format!("what `{name}!` is given has more lines than a file may have"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::check;
    use super::*;

    const PATH: &str = "crates/a/src/lib.rs";

    fn finds(text: &str, expected: &[&str]) {
        let expected: Vec<String> = expected.iter().map(|says| format!("{PATH}:{says}")).collect();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        check(nothing_outgrows_its_limit, &[(PATH, text)], &expected);
    }

    #[test]
    fn a_file_says_what_it_is() {
        check(files_begin_with_their_purpose, &[(PATH, "//! A.\n")], &[]);
        check(
            files_begin_with_their_purpose,
            &[(PATH, "// A.\n")],
            &["crates/a/src/lib.rs:1: begins without a `//!` that says what the file is"],
        );
    }

    #[test]
    fn a_function_of_seventy_lines_is_the_longest() {
        finds(&format!("fn a() {{{}}}", "\n".repeat(69)), &[]);
        finds(&format!("fn a() {{{}}}", "\n".repeat(70)), &["1: function `a` has 71 lines; 70 is the limit"]);
        let method = format!("impl A {{\n#[doc = \"\"]\nfn a() {{{}}}\n}}", "\n".repeat(70));
        finds(&method, &["3: function `a` has 71 lines; 70 is the limit"]);
    }

    #[test]
    fn a_file_is_measured_without_its_tests() {
        let tests = format!("#[cfg(test)]\nmod tests {{{}}}\n", "\n".repeat(900));
        finds(&format!("{}{tests}", "\n".repeat(800)), &[]);
        finds(
            &format!("{}{tests}", "\n".repeat(801)),
            &["1: the file has 801 lines before its tests; 800 is the limit"],
        );
    }

    #[test]
    fn a_struct_of_twelve_fields_is_the_widest() {
        let fields = |count: usize| (0..count).map(|at| format!("f{at}: u8,")).collect::<String>();
        finds(&format!("struct A {{{}}} enum B {{ C {{{}}} }}", fields(12), fields(12)), &[]);
        finds(
            &format!("struct A {{{}}}\nenum B {{ C {{{}}} }}", fields(13), fields(14)),
            &["1: `A` has 13 fields; 12 is the limit", "2: `C` has 14 fields; 12 is the limit"],
        );
    }

    #[test]
    fn five_parameters_are_the_most_and_self_is_none() {
        finds("impl A { fn a(&self, b: u8, c: u8, d: u8, e: u8, f: u8) {} }", &[]);
        finds(
            "fn a(b: u8, c: u8, d: u8, e: u8, f: u8, g: u8) {}",
            &["1: function `a` has 6 parameters; 5 is the limit"],
        );
    }

    #[test]
    fn a_boolean_parameter_is_found_where_it_is_chosen() {
        finds("impl Visit for A { fn visit(&self, yes: bool) {} }\nfn a(yes: Option<bool>) -> bool {}", &[]);
        finds(
            "trait Visit { fn visit(&self, yes: bool); }",
            &["1: function `visit` has a boolean parameter; an enum says which is which"],
        );
    }
}
