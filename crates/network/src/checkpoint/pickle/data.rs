//! Which calls in a pickle do nothing but describe data.

use super::value::Global;

/// Functions and classes, by module, that Python's own pickler and those of torch and NumPy write
/// for data, whatever it is called with.
const DESCRIPTIONS: &[(&str, &[&str])] = &[
    ("_codecs", &["encode"]),
    ("argparse", &["Namespace"]),
    ("array", &["_array_reconstructor", "array"]),
    (
        "collections",
        &[
            "ChainMap",
            "Counter",
            "OrderedDict",
            "UserDict",
            "UserList",
            "UserString",
            "defaultdict",
            "deque",
        ],
    ),
    (
        "copy_reg",
        &["_reconstructor", "__newobj__", "__newobj_ex__"],
    ),
    (
        "copyreg",
        &["_reconstructor", "__newobj__", "__newobj_ex__"],
    ),
    (
        "datetime",
        &["date", "datetime", "time", "timedelta", "timezone"],
    ),
    ("decimal", &["Decimal"]),
    ("fractions", &["Fraction"]),
    ("functools", &["partial"]),
    (
        "ipaddress",
        &["IPv4Address", "IPv4Network", "IPv6Address", "IPv6Network"],
    ),
    ("logging", &["getLogger"]),
    ("numpy", &["dtype", "ndarray"]),
    ("numpy._core.multiarray", &["_reconstruct", "scalar"]),
    ("numpy._core.numeric", &["_frombuffer"]),
    ("numpy.core.multiarray", &["_reconstruct", "scalar"]),
    ("numpy.core.numeric", &["_frombuffer"]),
    ("numpy.ma.core", &["_mareconstruct"]),
    ("numpy.random", &["__RandomState_ctor"]),
    (
        "numpy.random._pickle",
        &[
            "__bit_generator_ctor",
            "__generator_ctor",
            "__randomstate_ctor",
        ],
    ),
    ("operator", &["attrgetter", "itemgetter", "methodcaller"]),
    ("pandas._libs.internals", &["_unpickle_block"]),
    ("pandas.core.indexes.base", &["_new_Index"]),
    (
        "pandas.core.internals.managers",
        &["BlockManager", "SingleBlockManager"],
    ),
    ("pytz", &["_UTC", "_p", "timezone"]),
    ("random", &["Random"]),
    ("re", &["_compile"]),
    ("torch", &["Size", "device"]),
    (
        "torch._tensor",
        &["_rebuild_from_type", "_rebuild_from_type_v2"],
    ),
    (
        "torch._utils",
        &[
            "_rebuild_device_tensor_from_cpu_tensor",
            "_rebuild_device_tensor_from_numpy",
            "_rebuild_meta_tensor_no_storage",
            "_rebuild_nested_tensor",
            "_rebuild_parameter",
            "_rebuild_parameter_with_state",
            "_rebuild_parameterv2",
            "_rebuild_qtensor",
            "_rebuild_sparse_csr_tensor",
            "_rebuild_sparse_tensor",
            "_rebuild_tensor",
            "_rebuild_tensor_v2",
            "_rebuild_tensor_v3",
            "_rebuild_wrapper_subclass",
            "_rebuild_xla_tensor",
        ],
    ),
    ("torch.nn.parameter", &["Buffer", "Parameter"]),
    ("torch.serialization", &["_get_layout"]),
    ("types", &["SimpleNamespace"]),
    ("uuid", &["SafeUUID", "UUID"]),
    ("zoneinfo", &["ZoneInfo", "ZoneInfo._unpickle"]),
];

/// Types of Python's builtins that hold data.
const BUILTIN_TYPES: &[&str] = &[
    "bool",
    "bytearray",
    "bytes",
    "complex",
    "dict",
    "float",
    "frozenset",
    "int",
    "list",
    "long",
    "object",
    "range",
    "set",
    "slice",
    "str",
    "tuple",
    "type",
    "unicode",
    "xrange",
];

/// Modules of Python's library that are not refused as a whole. Their classes open files,
/// databases and connections; those that hold data are listed above.
const STANDARD_LIBRARY: &[&str] = &[
    "_bz2",
    "_collections_abc",
    "_compression",
    "_dbm",
    "_functools",
    "_gdbm",
    "_lzma",
    "_operator",
    "_sqlite3",
    "_weakref",
    "abc",
    "aifc",
    "antigravity",
    "argparse",
    "array",
    "ast",
    "asynchat",
    "asyncore",
    "atexit",
    "audioop",
    "base64",
    "binascii",
    "bisect",
    "bz2",
    "calendar",
    "cgi",
    "cgitb",
    "chunk",
    "cmath",
    "cmd",
    "codecs",
    "collections",
    "colorsys",
    "compileall",
    "concurrent",
    "configparser",
    "contextlib",
    "contextvars",
    "copy",
    "copy_reg",
    "copyreg",
    "crypt",
    "csv",
    "curses",
    "dataclasses",
    "datetime",
    "dbm",
    "decimal",
    "difflib",
    "dis",
    "email",
    "encodings",
    "ensurepip",
    "enum",
    "errno",
    "faulthandler",
    "fcntl",
    "filecmp",
    "fnmatch",
    "formatter",
    "fractions",
    "functools",
    "genericpath",
    "getopt",
    "getpass",
    "gettext",
    "glob",
    "graphlib",
    "grp",
    "gzip",
    "hashlib",
    "heapq",
    "hmac",
    "html",
    "imghdr",
    "ipaddress",
    "itertools",
    "json",
    "keyword",
    "locale",
    "logging",
    "lzma",
    "mailbox",
    "mailcap",
    "math",
    "mimetypes",
    "modulefinder",
    "msilib",
    "msvcrt",
    "multiprocessing",
    "netrc",
    "nis",
    "nntplib",
    "numbers",
    "opcode",
    "operator",
    "optparse",
    "ossaudiodev",
    "parser",
    "pathlib",
    "pickletools",
    "pipes",
    "plistlib",
    "pprint",
    "pstats",
    "pwd",
    "py_compile",
    "pyclbr",
    "pyexpat",
    "queue",
    "quopri",
    "random",
    "re",
    "readline",
    "reprlib",
    "resource",
    "rlcompleter",
    "sched",
    "secrets",
    "select",
    "selectors",
    "shlex",
    "smtpd",
    "sndhdr",
    "spwd",
    "sqlite3",
    "sre_compile",
    "sre_parse",
    "stat",
    "statistics",
    "string",
    "stringprep",
    "struct",
    "sunau",
    "symbol",
    "symtable",
    "syslog",
    "tabnanny",
    "tarfile",
    "telnetlib",
    "termios",
    "textwrap",
    "this",
    "time",
    "tkinter",
    "token",
    "tokenize",
    "tomllib",
    "traceback",
    "tracemalloc",
    "tty",
    "turtle",
    "turtledemo",
    "types",
    "typing",
    "unicodedata",
    "unittest",
    "uu",
    "uuid",
    "warnings",
    "wave",
    "weakref",
    "winreg",
    "winsound",
    "wsgiref",
    "xdrlib",
    "xml",
    "zipapp",
    "zipfile",
    "zlib",
    "zoneinfo",
];

/// Whether a call of this can only describe data, whatever it is called with.
pub(super) fn only_describes_data(global: &Global) -> bool {
    let (module, name) = (global.module.as_str(), global.name.as_str());
    if global.is_builtin() || module == "exceptions" {
        // All of the classes are exceptions.
        return BUILTIN_TYPES.contains(&name) || global.is_class();
    }
    let listed = DESCRIPTIONS
        .iter()
        .any(|(of, names)| *of == module && names.contains(&name));
    // How Cython pickles its classes.
    let cython = name.starts_with("__pyx_unpickle_") && !is_standard(module);
    // `pathlib` has been one module and several.
    let path = module.split('.').next() == Some("pathlib")
        && matches!(
            name,
            "Path" | "PosixPath" | "PurePath" | "PurePosixPath" | "PureWindowsPath" | "WindowsPath"
        );
    listed || cython || path
}

/// Whether this is a class of somebody's own or of a package, which may be a member of an
/// enumeration or hold settings.
pub(super) fn may_hold_settings(global: &Global) -> bool {
    global.is_class() && !is_standard(&global.module)
}

fn is_standard(module: &str) -> bool {
    let top = module.split('.').next().unwrap_or_default();
    STANDARD_LIBRARY.binary_search(&top).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(module: &str, name: &str) -> Global {
        Global {
            module: module.to_owned(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn lists_are_sorted() {
        assert!(STANDARD_LIBRARY.is_sorted());
        assert!(DESCRIPTIONS.is_sorted_by_key(|(module, _)| *module));
    }

    #[test]
    fn data_is_told_from_what_opens_files() {
        for (module, name) in [
            ("collections", "OrderedDict"),
            ("torch._utils", "_rebuild_tensor_v2"),
            ("__builtin__", "set"),
            ("builtins", "ValueError"),
            ("pathlib._local", "PosixPath"),
            ("sklearn.tree._tree", "__pyx_unpickle_Tree"),
        ] {
            assert!(only_describes_data(&named(module, name)), "{module}.{name}");
        }
        for (module, name) in [
            ("bz2", "open"),
            ("sqlite3", "connect"),
            ("pathlib", "Path.write_text"),
            ("builtins", "print"),
            ("torch.storage", "_load_from_bytes"),
            ("numpy", "save"),
            ("copy", "_reconstruct"),
        ] {
            assert!(
                !only_describes_data(&named(module, name)),
                "{module}.{name}"
            );
        }
        assert!(may_hold_settings(&named("mine.settings", "Mode")));
        for (module, name) in [
            ("bz2", "BZ2File"),
            ("logging.handlers", "SocketHandler"),
            ("mine", "run"),
        ] {
            assert!(!may_hold_settings(&named(module, name)), "{module}.{name}");
        }
    }
}
