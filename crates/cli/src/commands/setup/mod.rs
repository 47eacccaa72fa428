//! The first start: finds what could be the model, lets the person pick, and writes it into their configuration.
//!
//! In reading order: [`services`] has the services whose key is there; [`servers`] the model servers of this machine;
//! [`edit`] sets single values in the configuration's text; this file has the conversation, line by line on the terminal as
//! it is, before there is any screen.
//!
//! Not here: a session. Nothing is asked of those who have a model, and nothing is written but what the person picked.

mod edit;
mod servers;
mod services;

use crate::commands::config::keep::{IfThere, keep};
use crate::config::{self, Config};
use crate::draw::clean;
use crate::failure::Failure;
use crate::paths::Paths;
use crate::wiring;
use anyhow::anyhow;
use edit::Entry;
use gate::Person;
use servers::{Looked, OLLAMA_HOST, Runs, Server};
use services::Service;
use std::io::{self, BufRead, Read, Write};

/// The longest line that is read, in bytes.
const LONGEST_LINE: u64 = 4096;

/// What the person wants.
#[derive(Debug)]
pub enum Outcome {
    /// To work with the model that is in the configuration now; this is the configuration, read again.
    Ready(Box<Config>),
    /// To see the demo.
    Demo,
    /// To leave. Nothing was written.
    Left,
}

/// Whether a new session would have no model.
pub fn is_needed(config: &Config, named: Option<&str>) -> bool {
    named.is_none_or(str::is_empty) && config.model.is_none()
}

/// Asks the person at the terminal which model they want, and writes it down.
///
/// Whoever asks vouches that a person is there: the configuration is authority.
///
/// # Errors
/// When the terminal or the configuration cannot be read or written.
pub fn first_run(_person: &Person, config: &Config, paths: &Paths) -> Result<Outcome, Failure> {
    let mut talk = Talk { input: io::stdin().lock(), out: io::stdout() };
    let variable = |name: &str| std::env::var(name).ok();
    loop {
        let services = services::with_keys(config, variable);
        let host = variable(OLLAMA_HOST);
        let looked = crate::runtime()?.block_on(servers::look(config, host.as_deref(), servers::BOUNDS));
        match talk.pick(config, &services, &looked).map_err(Failure::host)? {
            Answer::Model(picked) => {
                let said = write_down(&picked, paths)?;
                talk.say(&said).map_err(Failure::host)?;
                let loaded = config::load(paths)?;
                return Ok(Outcome::Ready(Box::new(loaded.config)));
            }
            Answer::LookAgain => {}
            Answer::Demo => return Ok(Outcome::Demo),
            Answer::Leave => {
                talk.say("Nothing was written.\n").map_err(Failure::host)?;
                return Ok(Outcome::Left);
            }
        }
    }
}

/// A model that was picked, with what is written beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Picked {
    /// The model, as `PROVIDER/NAME` or `script:FILE`.
    model: String,
    /// The address of its server, when it is not where such a server usually is.
    base_url: Option<String>,
    /// What the person said of its price.
    price: Said,
}

/// What the person said of a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// Nothing.
    Nothing,
    /// This model is free.
    ModelIsFree,
    /// All models of its provider are.
    ProviderIsFree,
}

impl Picked {
    fn named(model: String) -> Picked {
        Picked { model, base_url: None, price: Said::Nothing }
    }

    fn provider(&self) -> &str {
        self.model.split_once('/').map_or("", |(provider, _)| provider)
    }

    fn entries(&self) -> Vec<Entry> {
        let provider = ["providers", self.provider()];
        let mut entries = vec![Entry::new(&[], "model", self.model.as_str())];
        entries.extend(self.base_url.as_deref().map(|base_url| Entry::new(&provider, "base_url", base_url)));
        match self.price {
            Said::Nothing => {}
            Said::ModelIsFree => entries.push(Entry::new(&["models", &self.model], "price", "free")),
            Said::ProviderIsFree => entries.push(Entry::new(&provider, "free", true)),
        }
        entries
    }
}

/// Writes it into the file as it is now, and says what was written where.
fn write_down(picked: &Picked, paths: &Paths) -> Result<String, Failure> {
    let loaded = config::load(paths)?;
    let entries = picked.entries();
    let text = edit::set(&loaded.text, &entries).filter(|text| config::parse(text).is_ok()).ok_or_else(|| {
        let cause = anyhow!("`{}` is written in a way that cannot be edited", loaded.file.display());
        Failure::config(cause).hint(format!("add it by hand, at the top: model = {:?}", picked.model))
    })?;
    keep(&loaded.file, &text, IfThere::Replace)?;
    let lines = edit::new_lines(&loaded.text, &text).into_iter().filter(|(_, line)| !line.is_empty());
    let lines: String = lines.map(|(number, line)| format!("  line {number}: {line}\n")).collect();
    Ok(format!("\nWrote to {}:\n{lines}`remit config` shows what is in force.\n\n", loaded.file.display()))
}

/// What the person answered.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Model(Picked),
    LookAgain,
    Demo,
    Leave,
}

/// One of the numbered lines.
#[derive(Clone, Copy, Debug)]
enum Choice<'a> {
    /// A model of a service whose key is there; without one, the person names it.
    Service(&'a Service),
    /// A model of a server of this machine.
    Served(&'a Server, &'a servers::Offered),
}

impl Choice<'_> {
    fn model(&self) -> String {
        match self {
            Choice::Service(service) => format!("{}/{}", service.provider, service.model.unwrap_or("...")),
            Choice::Served(server, offered) => format!("{}/{}", server.place.provider, offered.name),
        }
    }

    fn note(&self) -> String {
        match self {
            Choice::Service(service) => match service.price() {
                Some(price) => format!("{price}; {}", service.key_in),
                None => format!("a model that you name; {}", service.key_in),
            },
            Choice::Served(server, offered) => match offered.runs {
                Runs::Here => format!("on this machine, {}", server.place.base_url),
                Runs::Elsewhere => format!("runs elsewhere, by way of {}", server.place.base_url),
            },
        }
    }
}

/// The conversation: one line at a time, each way.
struct Talk<R, W> {
    input: R,
    out: W,
}

impl<R: BufRead, W: Write> Talk<R, W> {
    fn pick(&mut self, config: &Config, services: &[Service], looked: &Looked) -> io::Result<Answer> {
        let (known, unknown): (Vec<&Service>, Vec<&Service>) = services.iter().partition(|one| one.model.is_some());
        let served = looked.servers.iter().flat_map(|server| {
            let of = move |offered| Choice::Served(server, offered);
            server.models.iter().map(of)
        });
        let choices: Vec<Choice<'_>> = known
            .into_iter()
            .map(Choice::Service)
            .chain(served)
            .chain(unknown.into_iter().map(Choice::Service))
            .collect();
        self.say(&page(&choices, looked))?;
        let first = if choices.is_empty() { "d" } else { "1" };
        loop {
            self.say(&format!("Which? [{first}] "))?;
            let Some(line) = self.line()? else { return Ok(Answer::Leave) };
            let said = if line.is_empty() { first } else { line.as_str() };
            let answer = match said {
                "d" | "D" => Some(Answer::Demo),
                "q" | "Q" => Some(Answer::Leave),
                "r" | "R" => Some(Answer::LookAgain),
                said => self.model(config, &choices, said)?,
            };
            if let Some(answer) = answer {
                return Ok(answer);
            }
        }
    }

    /// The model that was meant; `None` when it was none, which has been said.
    fn model(&mut self, config: &Config, choices: &[Choice<'_>], said: &str) -> io::Result<Option<Answer>> {
        let numbered = said.parse::<usize>().ok().and_then(|number| choices.get(number.checked_sub(1)?));
        let picked = match numbered {
            Some(Choice::Served(server, offered)) => self.served(config, server, offered)?,
            Some(Choice::Service(service)) => self.of_service(service)?,
            None if said.contains(['/', ':']) => Some(Picked::named(said.to_owned())),
            None => {
                self.say("Write one of the numbers or letters, or a model as PROVIDER/NAME.\n")?;
                return Ok(None);
            }
        };
        let Some(picked) = picked else { return Ok(Some(Answer::Leave)) };
        // What could not be asked later is not written down now.
        match wiring::pick_model(config, Some(&picked.model)) {
            Ok(_) => Ok(Some(Answer::Model(picked))),
            Err(failure) => {
                self.say(&format!("{}\n", clean(&failure.to_string())))?;
                Ok(None)
            }
        }
    }

    /// A model of a service, by the name that the person gives where there is no other; `None` when they say no more.
    fn of_service(&mut self, service: &Service) -> io::Result<Option<Picked>> {
        if let Some(model) = service.model {
            return Ok(Some(Picked::named(format!("{}/{model}", service.provider))));
        }
        self.say(&format!("Which of its models? {}/", service.provider))?;
        Ok(self.line()?.map(|name| Picked::named(format!("{}/{name}", service.provider))))
    }

    /// A model of a server, with what the person says of its price; `None` when they say no more.
    fn served(&mut self, config: &Config, server: &Server, offered: &servers::Offered) -> io::Result<Option<Picked>> {
        let place = &server.place;
        let model = format!("{}/{}", place.provider, offered.name);
        let base_url = (!place.is_usual).then(|| place.base_url.clone());
        let has_price = config.providers.get(&place.provider).is_some_and(|own| own.free)
            || config.models.get(&model).is_some_and(|own| own.price.is_some());
        let mut picked = Picked { model, base_url, price: Said::Nothing };
        if has_price || offered.runs == Runs::Elsewhere {
            if !has_price {
                self.say("Remit knows no price for it, so no cap can hold it; models.NAME.price gives it one.\n")?;
            }
            return Ok(Some(picked));
        }
        let (free, line) = match server.runs_all_here() && server.more == 0 {
            true => (Said::ProviderIsFree, format!("`free = true` below [providers.{}]", place.provider)),
            // Not all of that server's models run on this machine, as far as is known.
            false => (Said::ModelIsFree, format!("`price = \"free\"` below [models.\"{}\"]", picked.model)),
        };
        self.say(&format!(
            "\nA model on this machine has no price that Remit knows, so no cap can hold it: YOLO with a cap\n\
             does not take it. Only you can say that it costs nothing.\nWrite that, {line}? [y/N] "
        ))?;
        loop {
            match self.line()?.as_deref() {
                None => return Ok(None),
                Some("y" | "Y" | "yes") => {
                    picked.price = free;
                    return Ok(Some(picked));
                }
                Some("" | "n" | "N" | "no") => return Ok(Some(picked)),
                Some(_) => self.say("Write y or n. [y/N] ")?,
            }
        }
    }

    fn say(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// The next line without blanks around it; `None` when there is none, or it has no end within reason.
    fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        self.input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") {
            self.say("\n")?;
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&line).trim().to_owned()))
    }
}

/// What was found, and what can be done about it.
fn page(choices: &[Choice<'_>], looked: &Looked) -> String {
    let mut page = match choices {
        [] => NOTHING_FOUND.to_owned(),
        _some => "Remit needs a model, and none is set up yet. This is there:\n\n".to_owned(),
    };
    let widest = choices.iter().map(|choice| choice.model().chars().count()).max().unwrap_or_default().min(40);
    for (nth, choice) in choices.iter().enumerate() {
        page.push_str(&format!("  {:>2}  {:<widest$}  {}\n", nth + 1, choice.model(), choice.note()));
    }
    for server in looked.servers.iter().filter(|server| server.more > 0) {
        let (provider, more) = (&server.place.provider, server.more);
        page.push_str(&format!("      and {more} more of {provider}: write {provider}/NAME\n"));
    }
    page.push_str("   d  the demo: the whole thing, with no key and no network\n");
    page.push_str("   r  look again\n   q  leave\n");
    if choices.iter().any(|choice| matches!(choice, Choice::Service(service) if service.model.is_some())) {
        page.push_str("\nPrices are for a million tokens; `remit prices` has them all. Or write PROVIDER/NAME.\n");
    }
    if !looked.passed_over.is_empty() {
        page.push_str("\nPassed over:\n");
        page.extend(looked.passed_over.iter().map(|why| format!("  {}\n", clean(why))));
    }
    page.push('\n');
    page
}

/// What is said where there is nothing to pick.
const NOTHING_FOUND: &str = "\
Remit needs a model. No key of a service is set, and no model server answers on this machine.

With a key: leave, set it, and start again:
      export ANTHROPIC_API_KEY=...    or OPENAI_API_KEY, DEEPSEEK_API_KEY, GEMINI_API_KEY, HF_TOKEN, ...
On this machine: start Ollama in another terminal, then look again:
      ollama serve
      ollama pull qwen3:8b            or another model that can use tools

";

#[cfg(test)]
mod tests {
    use super::*;
    use servers::{Offered, Place};

    fn server(names: &[&str]) -> Server {
        let place = Place { provider: "ollama".into(), base_url: "http://127.0.0.1:5/v1".into(), is_usual: false };
        let model = |name: &&str| Offered {
            name: (*name).to_owned(),
            runs: if name.contains("cloud") { Runs::Elsewhere } else { Runs::Here },
        };
        Server { place, models: names.iter().map(model).collect(), more: 0 }
    }

    fn talked(said: &str, services: &[Service], servers: &[Server]) -> (Answer, String) {
        let mut talk = Talk { input: said.as_bytes(), out: Vec::new() };
        let looked = Looked { servers: servers.to_vec(), passed_over: vec!["vllm: \u{1b}[2Jno".to_owned()] };
        let config = config::parse("providers.openai.key = \"hush\"\nproviders.openrouter.key = \"hush\"").unwrap();
        let answer = talk.pick(&config, services, &looked).unwrap();
        (answer, String::from_utf8(talk.out).unwrap())
    }

    fn services() -> Vec<Service> {
        let service = |provider, model| Service { provider, key_in: "K".to_owned(), model };
        vec![service("openai", Some("gpt-6.1-sol")), service("openrouter", None)]
    }

    #[test]
    fn enter_takes_the_first_which_is_shown_with_its_price() {
        let (answer, page) = talked("\n", &services(), &[server(&["qwen3:8b"])]);
        assert_eq!(answer, Answer::Model(Picked::named("openai/gpt-6.1-sol".to_owned())));
        assert!(page.contains("1  openai/gpt-6.1-sol  $2.00 in, $10.00 out; K"), "{page}");
        assert!(
            page.contains("2  ollama/qwen3:8b     on this machine") && page.contains("3  openrouter/..."),
            "{page}"
        );
        assert!(page.contains("vllm: [2Jno") && !page.contains('\u{1b}'), "{page}");
    }

    #[test]
    fn a_model_of_this_machine_is_free_only_when_the_person_says_so() {
        let picked = |price| Picked { model: "ollama/a".into(), base_url: Some("http://127.0.0.1:5/v1".into()), price };
        for (said, servers, price) in [
            ("1\ny\n", vec![server(&["a"])], Said::ProviderIsFree),
            ("1\nwhat\ny\n", vec![server(&["a", "b:cloud"])], Said::ModelIsFree),
            ("\n\n", vec![server(&["a"])], Said::Nothing),
        ] {
            let (answer, page) = talked(said, &[], &servers);
            assert_eq!(answer, Answer::Model(picked(price)), "{page}");
            assert!(page.contains("no cap can hold it"), "{page}");
        }
        let (answer, page) = talked("1\n", &[], &[server(&["b:cloud"])]);
        assert!(
            matches!(answer, Answer::Model(Picked { price: Said::Nothing, .. })) && !page.contains("[y/N]"),
            "{page}"
        );
    }

    #[test]
    fn the_person_can_name_a_model_and_is_told_what_is_none() {
        let (answer, page) = talked("9\nx/y\n2\nsome/model\n", &services(), &[]);
        assert_eq!(answer, Answer::Model(Picked::named("openrouter/some/model".to_owned())));
        assert!(page.contains("Write one of the numbers") && page.contains("there is no provider `x`"), "{page}");
        let (answer, _) = talked("openai/gpt-5-mini\n", &services(), &[]);
        assert_eq!(answer, Answer::Model(Picked::named("openai/gpt-5-mini".to_owned())));
    }

    #[test]
    fn with_nothing_there_it_says_how_to_get_something_and_offers_the_demo() {
        let (answer, page) = talked("\n", &[], &[]);
        assert!(
            answer == Answer::Demo && page.contains("ANTHROPIC_API_KEY") && page.contains("ollama serve"),
            "{page}"
        );
        assert_eq!(talked("r\n", &[], &[]).0, Answer::LookAgain);
    }

    #[test]
    fn the_end_of_what_is_typed_leaves_at_every_question() {
        for said in ["", "q\n", "1", "1\n", &"9".repeat(10_000)] {
            let (answer, page) = talked(said, &[], &[server(&["a"])]);
            assert_eq!(answer, Answer::Leave, "{page}");
        }
    }
}
