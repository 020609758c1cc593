//! Which functions named in a pickle are refused.

use super::value::Global;

/// Modules of which nothing may be called: they run programs or code, reach the network, or change
/// files. (A module also stands for all below it.)
const REFUSED_MODULES: &[&str] = &[
    "_aix_support",
    "_ctypes",
    "_imp",
    "_io",
    "_osx_support",
    "_pickle",
    "_posixsubprocess",
    "_pyrepl",
    "_socket",
    "_thread",
    "_xxsubinterpreters",
    "aiohttp",
    "asyncio",
    "bdb",
    "cPickle",
    "cProfile",
    "code",
    "codeop",
    "commands",
    "ctypes",
    "distutils",
    "doctest",
    "fileinput",
    "ftplib",
    "gc",
    "http",
    "httplib",
    "idlelib",
    "imaplib",
    "imp",
    "importlib",
    "inspect",
    "io",
    "lib2to3",
    "linecache",
    "logging.config",
    "marshal",
    "mmap",
    "multiprocessing.popen_fork",
    "multiprocessing.util",
    "nt",
    "ntpath",
    "os",
    "pdb",
    "pickle",
    "pip",
    "pkg_resources",
    "pkgutil",
    "platform",
    "popen2",
    "poplib",
    "posix",
    "posixpath",
    "profile",
    "pty",
    "pydoc",
    "requests",
    "runpy",
    "setuptools",
    "shelve",
    "shutil",
    "signal",
    "site",
    "smtplib",
    "socket",
    "socketserver",
    "ssl",
    "subprocess",
    "sys",
    "sysconfig",
    "tempfile",
    "test",
    "threading",
    "timeit",
    "trace",
    "urllib",
    "urllib2",
    "urllib3",
    "venv",
    "webbrowser",
    "xmlrpc",
    "zipimport",
];

/// Functions of Python's builtins that run code or reach other objects' attributes.
const REFUSED_BUILTINS: &[&str] = &[
    "__build_class__",
    "__import__",
    "apply",
    "breakpoint",
    "compile",
    "delattr",
    "eval",
    "exec",
    "execfile",
    "exit",
    "file",
    "filter",
    "getattr",
    "globals",
    "help",
    "input",
    "locals",
    "map",
    "open",
    "quit",
    "raw_input",
    "reload",
    "setattr",
    "vars",
];

/// Names that run code in whatever module they are found (`numpy`'s `runstring`, `torch.hub.load`).
const REFUSED_NAMES: &[&str] = &[
    "CodeType",
    "FunctionType",
    "__import__",
    "__reduce__",
    "__reduce_ex__",
    "__subclasses__",
    "_import_module",
    "_make_function",
    "_make_skeleton_func",
    "_create_code",
    "_create_function",
    "call_function",
    "eval",
    "exec",
    "exec_module",
    "execfile",
    "import_module",
    "load_library",
    "load_module",
    "popen",
    "run_module",
    "run_path",
    "runcode",
    "runsource",
    "runstring",
    "system",
];

/// Modules whose functions named `load...` open and execute other files.
const LOADERS: &[&str] = &[
    "torch",
    "numpy",
    "joblib",
    "pandas",
    "dill",
    "cloudpickle",
    "jsonpickle",
    "nltk",
];

/// The name to report, if calling this would run programs or code in Python.
///
/// What is not refused is not called either: it becomes an inert object. Refusing tells the user
/// that the file is hostile instead of reading on as if nothing were the matter.
pub(super) fn refusal(global: &Global) -> Option<String> {
    let module = global.module.as_str();
    let below = |of: &str| {
        module
            .strip_prefix(of)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let builtins = global.is_builtin();
    let name_parts = || global.name.split('.');
    let loads = LOADERS.iter().any(|&of| below(of))
        && matches!(
            name_parts().next_back().unwrap_or_default(),
            "load"
                | "loads"
                | "load_state_dict_from_url"
                | "download_url_to_file"
                | "load_workflow"
                | "read_pickle"
        );
    let refused = REFUSED_MODULES.iter().any(|&of| below(of))
        || (builtins && name_parts().any(|part| REFUSED_BUILTINS.contains(&part)))
        || name_parts().any(|part| REFUSED_NAMES.contains(&part))
        // A dotted name goes through attributes: `torch` + `os.system`.
        || (global.name.contains('.') && name_parts().any(|part| REFUSED_MODULES.contains(&part)))
        || loads;
    refused.then(|| match (module, global.name.as_str()) {
        // The names under which `os.system` is pickled.
        ("posix" | "nt", "system") => format!("os.system, as {module}.system"),
        _ => global.full_name(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(module: &str, name: &str) -> bool {
        refusal(&Global {
            module: module.to_owned(),
            name: name.to_owned(),
        })
        .is_some()
    }

    #[test]
    fn code_is_refused_and_data_is_not() {
        for (module, name) in [
            ("os", "system"),
            ("posix", "system"),
            ("nt", "popen"),
            ("subprocess", "Popen"),
            ("builtins", "eval"),
            ("__builtin__", "getattr"),
            ("importlib.util", "module_from_spec"),
            ("torch", "os.system"),
            ("torch.serialization", "load"),
            ("torch.hub", "load"),
            ("torch", "serialization.load"),
            ("numpy.testing._private.utils", "runstring"),
            ("types", "CodeType"),
        ] {
            assert!(refused(module, name), "{module}.{name}");
        }
        for (module, name) in [
            ("collections", "OrderedDict"),
            ("builtins", "set"),
            ("builtins", "type"),
            ("pathlib", "PosixPath"),
            ("argparse", "Namespace"),
            ("omegaconf.dictconfig", "DictConfig"),
            ("functools", "partial"),
            ("operating.system_of_mine", "Network"),
            ("torchvision.transforms.transforms", "Normalize"),
            ("torch.optim.adam", "Adam"),
        ] {
            assert!(!refused(module, name), "{module}.{name}");
        }
    }
}
