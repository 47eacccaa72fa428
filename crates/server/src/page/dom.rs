//! A small tree of HTML for tests: strict, so that a page that a browser would have to mend is a failure.
//!
//! Not here: what a page should be.

use crate::page::live::{Fragment, Swap};

/// The elements that have no end.
const VOID: &[&str] = &["meta", "link", "input", "br", "hr"];

/// A piece of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// Text, escaped as it came.
    Text(String),
    /// An element.
    Element(Element),
}

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Node>,
}

/// Reads HTML.
pub fn read(html: &str) -> Vec<Node> {
    let mut open = vec![Element::default()];
    let mut rest = html.strip_prefix("<!DOCTYPE html>").unwrap_or(html);
    while !rest.is_empty() {
        let Some(tag) = rest.strip_prefix('<') else {
            let end = rest.find('<').unwrap_or(rest.len());
            push_text(&mut open.last_mut().unwrap().children, &rest[..end]);
            rest = &rest[end..];
            continue;
        };
        let end = end_of_tag(tag);
        rest = &tag[end + 1..];
        let tag = &tag[..end];
        if let Some(name) = tag.strip_prefix('/') {
            let closed = open.pop().unwrap();
            assert_eq!(closed.name, name, "an end that does not fit, before: {}", &rest[..rest.len().min(80)]);
            open.last_mut().expect("an end without a beginning").children.push(Node::Element(closed));
            continue;
        }
        let element = element_of(tag);
        match VOID.contains(&&*element.name) {
            true => open.last_mut().unwrap().children.push(Node::Element(element)),
            false => open.push(element),
        }
    }
    assert_eq!(open.len(), 1, "`{}` is not ended", open.last().unwrap().name);
    open.remove(0).children
}

fn push_text(children: &mut Vec<Node>, text: &str) {
    match children.last_mut() {
        Some(Node::Text(before)) => before.push_str(text),
        _ if text.is_empty() => {}
        _ => children.push(Node::Text(text.to_owned())),
    }
}

fn end_of_tag(tag: &str) -> usize {
    let mut quoted = false;
    let end = tag.find(|letter| {
        quoted ^= letter == '"';
        letter == '>' && !quoted
    });
    end.expect("a tag ends")
}

fn element_of(tag: &str) -> Element {
    let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
    assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric()), "`{name}` is no element");
    let mut attributes: Vec<(String, String)> = Vec::new();
    while !rest.is_empty() {
        let end = rest.find(['=', ' ']).unwrap_or(rest.len());
        let name = &rest[..end];
        assert!(
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
            "`{name}` is no attribute: {tag}"
        );
        assert!(attributes.iter().all(|(other, _)| other != name), "`{name}` twice: {tag}");
        let value = match rest[end..].strip_prefix("=\"") {
            Some(value) => {
                let (value, behind) = value.split_once('"').expect("a value ends");
                rest = behind.trim_start_matches(' ');
                value
            }
            None => {
                rest = rest[end..].trim_start_matches(' ');
                ""
            }
        };
        attributes.push((name.to_owned(), value.to_owned()));
    }
    Element { name: name.to_owned(), attributes, children: Vec::new() }
}

impl Element {
    /// The value of an attribute.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// Looks at every element, the outer ones first.
pub fn walk(nodes: &[Node], look: &mut impl FnMut(&Element)) {
    for node in nodes {
        if let Node::Element(element) = node {
            look(element);
            walk(&element.children, look);
        }
    }
}

/// The text that is to be read; what is to be edited is not in it.
pub fn text(nodes: &[Node]) -> String {
    let piece = |node: &Node| match node {
        Node::Text(text) => text.clone(),
        Node::Element(element) if element.name == "textarea" => String::new(),
        Node::Element(element) => text(&element.children),
    };
    nodes.iter().map(piece).collect()
}

/// The element of that id.
pub fn by_id<'a>(nodes: &'a mut [Node], id: &str) -> Option<&'a mut Element> {
    for node in nodes {
        let Node::Element(element) = node else { continue };
        if element.get("id") == Some(id) {
            return Some(element);
        }
        if let Some(found) = by_id(&mut element.children, id) {
            return Some(found);
        }
    }
    None
}

fn remove(nodes: &mut Vec<Node>, id: &str) {
    nodes.retain(|node| !matches!(node, Node::Element(element) if element.get("id") == Some(id)));
    for node in nodes {
        if let Node::Element(element) = node {
            remove(&mut element.children, id);
        }
    }
}

/// Does what the script of a page does with a fragment.
pub fn apply(page: &mut Vec<Node>, fragment: &Fragment) {
    let fresh = read(&fragment.html);
    let target = by_id(page, &fragment.target);
    match (fragment.swap, target) {
        (Swap::Title, _) => {}
        (Swap::Gone, _) => remove(page, &fragment.target),
        (Swap::Inner, Some(element)) => element.children = fresh,
        (Swap::Add, Some(element)) => {
            for node in fresh {
                match node {
                    Node::Text(text) => push_text(&mut element.children, &text),
                    element_of_it => element.children.push(element_of_it),
                }
            }
        }
        (Swap::Put, Some(element)) => {
            let [Node::Element(fresh)] = &fresh[..] else { panic!("one element is put: {}", fragment.html) };
            *element = fresh.clone();
        }
        (Swap::Put, None) => by_id(page, "conversation").expect("there is a conversation").children.extend(fresh),
        (Swap::Inner | Swap::Add, None) => panic!("there is no `{}`", fragment.target),
    }
}
