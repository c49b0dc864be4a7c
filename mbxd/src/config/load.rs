//! Reads the files, lays them over one another, and turns them into a [`Config`].

use super::{Config, ConfigError, Origin, origin, rules};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// A configuration and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Dotted key → where it was set; keys at their default are absent.
    pub origin: BTreeMap<String, Origin>,
    /// SHA-256 over the files in the order they were read, for the audit log (K2.8).
    pub digest: [u8; 32],
    /// The files, in the order they were read.
    pub files: Vec<PathBuf>,
}

/// Loads `main` and then, in the order of their names, the `*.toml` files of the folder `conf.d`
/// beside it. A later file's keys win; tables are merged, arrays replaced.
///
/// # Errors
/// [`ConfigError`], naming file and key.
pub fn load(main: &Path) -> Result<Loaded, ConfigError> {
    let mut files = vec![main.to_owned()];
    files.extend(drop_ins(&main.with_file_name("conf.d"))?);
    let read = |path: PathBuf| match std::fs::read_to_string(&path) {
        Ok(text) => Ok((path, text)),
        Err(source) => Err(ConfigError::Read { path, source }),
    };
    parse(main, files.into_iter().map(read).collect::<Result<_, _>>()?)
}

/// Reads texts in the order in which they win, the last most, with the files that they are from.
///
/// # Errors
/// As [`load`].
pub fn parse(main: &Path, texts: Vec<(PathBuf, String)>) -> Result<Loaded, ConfigError> {
    let mut merged = Table::new();
    let mut origin = BTreeMap::new();
    let mut digest = Sha256::new();
    for (path, text) in &texts {
        digest.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(text);
        let syntax = |error: toml::de::Error| ConfigError::Syntax {
            path: path.clone(),
            message: error.to_string().trim_end().to_owned(),
        };
        origin::note(text, path, &mut origin).map_err(syntax)?;
        merge(&mut merged, toml::from_str(text).map_err(syntax)?);
    }
    let config: Config = merged.try_into().map_err(|error| explain(&error, main, &origin))?;
    rules::check(&config)?;
    let files = texts.into_iter().map(|(path, _)| path).collect();
    Ok(Loaded { config, origin, digest: digest.finalize().into(), files })
}

fn drop_ins(folder: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let read_error = |source| ConfigError::Read { path: folder.to_owned(), source };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(read_error(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(read_error)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => merge(old, new),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// Turns serde's words into ours: an unknown key gets the nearest known one as a suggestion.
fn explain(error: &toml::de::Error, main: &Path, origin: &BTreeMap<String, Origin>) -> ConfigError {
    let message = error.message();
    let mut quoted = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field")
        && let Some(key) = quoted.next()
    {
        let place = origin
            .iter()
            .find(|(dotted, _)| dotted.split('.').any(|part| part == key))
            .map_or_else(|| Origin::file(main), |(_, place)| place.clone());
        let suggestion = quoted
            .map(|known| (strsim::damerau_levenshtein(key, known), known))
            .filter(|(distance, _)| *distance <= 3)
            .min()
            .map(|(_, known)| known.to_owned());
        return ConfigError::UnknownKey { place, key: key.to_owned(), suggestion };
    }
    let text = error.to_string();
    let key = text.lines().find_map(|line| line.trim().strip_prefix("in `")?.strip_suffix('`'));
    let place = key.and_then(|key| origin.get(key)).cloned();
    let place = place.unwrap_or_else(|| Origin::file(main));
    let message = key.map_or_else(|| message.to_owned(), |key| format!("{key}: {message}"));
    ConfigError::Value { place, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("conf.d")).unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let main = folder.path().join("mbxd.toml");
        (folder, main)
    }

    #[test]
    fn an_empty_file_is_the_default_configuration() {
        let (_folder, main) = written(&[("mbxd.toml", "")]);
        assert_eq!(load(&main).unwrap().config, Config::default());
    }

    #[test]
    fn a_drop_in_wins_and_its_file_is_named_as_the_origin() {
        let (_folder, main) = written(&[
            ("mbxd.toml", "[installation]\nname = \"one\"\ncountry = \"FI\"\n"),
            ("conf.d/20-later.toml", "[installation]\nname = \"three\"\n"),
            ("conf.d/10-first.toml", "[installation]\nname = \"two\"\n"),
            ("conf.d/ignored.txt", "not toml"),
        ]);
        let loaded = load(&main).unwrap();
        assert_eq!(loaded.config.installation.name, "three");
        assert_eq!(loaded.config.installation.country, "FI");
        let origin = |key: &str| loaded.origin[key].to_string();
        assert!(origin("installation.name").ends_with("20-later.toml:2"));
        assert!(origin("installation.country").ends_with("mbxd.toml:3"));
        assert_eq!(loaded.files.len(), 3);
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_file_and_what_was_meant() {
        let (_folder, main) =
            written(&[("mbxd.toml", ""), ("conf.d/a.toml", "[installation]\ncuontry = \"SE\"\n")]);
        let text = load(&main).unwrap_err().to_string();
        assert!(
            text.contains("a.toml:2: unknown key `cuontry`; did you mean `country`?"),
            "{text}"
        );
    }

    #[test]
    fn a_key_that_resembles_nothing_gets_no_suggestion() {
        let (_folder, main) = written(&[("mbxd.toml", "zzzzzzzzzzzz = 1\n")]);
        let text = load(&main).unwrap_err().to_string();
        assert!(text.ends_with("unknown key `zzzzzzzzzzzz`"), "{text}");
    }

    #[test]
    fn a_wrong_value_names_file_and_key() {
        let (_folder, main) = written(&[("mbxd.toml", "[log]\nformat = \"loud\"\n")]);
        let text = load(&main).unwrap_err().to_string();
        assert!(text.contains("mbxd.toml:2: log.format: "), "{text}");
    }

    #[test]
    fn a_missing_file_and_bad_syntax_are_named() {
        let (_folder, main) = written(&[("mbxd.toml", "[log\n")]);
        assert!(matches!(load(&main), Err(ConfigError::Syntax { .. })));
        assert!(matches!(load(&main.with_file_name("none")), Err(ConfigError::Read { .. })));
    }
}
