//! Weights beside those that are read, such as moving averages.

use mednet_network::checkpoint::Checkpoint;

use crate::damaged::{archive, open};

/// Opcodes of a text.
fn text(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap().to_le_bytes();
    [b"X", &length[..], text.as_bytes()].concat()
}

/// A tensor of so many values.
fn tensor(count: u8) -> Vec<u8> {
    let storage = b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n\
        X\x01\0\0\x000X\x03\0\0\0cpuK\x10tQK\x00K";
    [&storage[..], &[count], b"\x85K\x01\x85\x89NtR"].concat()
}

fn dictionary(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries = entries
        .iter()
        .map(|(key, value)| [text(key), value.clone()].concat());
    [b"}(", &entries.collect::<Vec<_>>().concat()[..], b"u"].concat()
}

/// A state dict of four weights, their names with something in front.
fn weights(prefix: &str) -> Vec<u8> {
    let entries = [
        ("conv.weight", 4),
        ("conv.bias", 2),
        ("dense.weight", 6),
        ("dense.bias", 3),
    ];
    let entries = entries.map(|(name, count)| (format!("{prefix}{name}"), tensor(count)));
    dictionary(
        &entries
            .each_ref()
            .map(|(name, value)| (name.as_str(), value.clone())),
    )
}

fn read(entries: &[(&str, Vec<u8>)]) -> Checkpoint {
    let pickle = [&b"\x80\x02"[..], &dictionary(entries), b"."].concat();
    open(&archive(&pickle)).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn moving_averages_are_named_and_the_plain_weights_are_read() {
    let list = |items: &[Vec<u8>]| [b"](", &items.concat()[..], b"e"].concat();
    let parameters: Vec<Vec<u8>> = [4, 2, 6, 3].map(tensor).into();
    let network = |weight: Vec<u8>| {
        let parts = [("weight", weight), ("bias", tensor(2))];
        let layer = [
            ("_parameters", dictionary(&parts)),
            ("_modules", dictionary(&[])),
        ];
        let layer = [b"cmine\nLayer\n)\x81", &dictionary(&layer)[..], b"b"].concat();
        let whole = [
            ("_parameters", dictionary(&[])),
            ("_modules", dictionary(&[("conv", layer)])),
        ];
        [b"cmine\nNetwork\n)\x81", &dictionary(&whole)[..], b"b"].concat()
    };
    let average = dictionary(&[
        ("decay", b"G?\xef\xf7\xce\xd9\x16\x87+".to_vec()),
        ("shadow_params", list(&parameters)),
    ]);
    let callback = dictionary(&[(
        "EMA{'decay': 0.9}",
        dictionary(&[("ema_state_dict", weights("model."))]),
    )]);
    for (what, key, value, named) in [
        ("timm's", "state_dict_ema", weights(""), "state_dict_ema"),
        (
            "a wrapped network's",
            "model_ema",
            weights("module."),
            "model_ema",
        ),
        (
            "a callback's",
            "callbacks",
            callback,
            "callbacks/EMA{'decay': 0.9}/ema_state_dict",
        ),
        ("a list", "ema", average, "ema/shadow_params"),
        ("a network", "ema", network(tensor(4)), "ema"),
        (
            "a name that writes to a terminal",
            "ema\x1b[31m",
            weights(""),
            "ema\\x1b[31m",
        ),
        ("another usual key", "model", weights("model."), "model"),
    ] {
        let checkpoint = read(&[
            ("state_dict", weights("model.")),
            (key, value),
            ("epoch", b"K\x03".to_vec()),
        ]);
        assert_eq!(checkpoint.left_aside, [named], "{what}");
        let names: Vec<&String> = checkpoint.tensors.keys().collect();
        assert_eq!(names[0], "model.conv.bias", "{what}");
    }
}

#[test]
fn what_is_no_copy_of_the_weights_is_not_named() {
    let few = dictionary(&[("conv.weight", tensor(4)), ("best_score", tensor(1))]);
    for (what, key, value) in [
        ("one weight", "best", few),
        (
            "weights of other shapes",
            "teacher",
            dictionary(&[
                ("conv.weight", tensor(5)),
                ("conv.bias", tensor(7)),
                ("dense.bias", tensor(1)),
            ]),
        ),
        (
            "other names",
            "statistics",
            dictionary(&[
                ("a", tensor(4)),
                ("b", tensor(2)),
                ("c", tensor(6)),
                ("d", tensor(3)),
            ]),
        ),
        ("momenta", "optimizer", weights("")),
        (
            "nothing",
            "loops",
            dictionary(&[("state_dict", dictionary(&[]))]),
        ),
    ] {
        let checkpoint = read(&[("state_dict", weights("")), (key, value)]);
        assert_eq!(checkpoint.left_aside, Vec::<String>::new(), "{what}");
    }
    // The same dictionary under a second name is no second set of weights.
    let same = [
        &b"\x80\x02}("[..],
        &text("state_dict"),
        &weights(""),
        b"q\x01",
        &text("again"),
        b"h\x01u.",
    ]
    .concat();
    assert_eq!(
        open(&archive(&same)).unwrap().left_aside,
        Vec::<String>::new()
    );
    // Nor are dictionaries that hold each other.
    let cycle = [
        &b"\x80\x02}q\x00("[..],
        &text("state_dict"),
        &weights(""),
        &text("self"),
        b"h\x00u.",
    ]
    .concat();
    assert_eq!(
        open(&archive(&cycle)).unwrap().left_aside,
        Vec::<String>::new()
    );
}
