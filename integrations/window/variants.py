"""Values that come over the session bus or from the command line, as Python's own."""


def unpacked(value):
    """`value` (GLib.Variant) as plain Python; byte strings ("ay") are bytes.

    PyGObject's own unpack() makes a list of numbers of those, which takes longer than the search,
    and warns of each in some versions (3.50: "g_bytes_ref: assertion 'bytes != NULL' failed").
    """
    kind = value.get_type_string()
    if kind == "ay":
        return value.get_data_as_bytes().get_data() or b""
    if kind == "v":
        return unpacked(value.get_variant())
    if not value.is_container():
        return value.unpack()
    parts = [value.get_child_value(index) for index in range(value.n_children())]
    if kind.startswith("a{"):
        pairs = ((part.get_child_value(0), part.get_child_value(1)) for part in parts)
        return {unpacked(key): unpacked(entry) for key, entry in pairs}
    return [unpacked(part) for part in parts]


def path(value):
    """A path (bytes) that is given as a byte string, with or without the NUL at its end."""
    return unpacked(value).rstrip(b"\0")
