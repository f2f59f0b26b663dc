"""Downloads from the Hugging Face Hub, or another hub that answers as it does (HF_ENDPOINT).

The modules fetch files themselves, with the standard library. huggingface_hub is asked for what it
knows best, the hub's address and the user's token, but its own downloader (2.4.0) holds none of
the promises made here, as trying it against the tests' hub has shown: a killed download starts from
the first byte again, since each attempt writes a file of its own; a body that never ends wrote
335 MB for a file of 41; content that isn't what the hub's checksum says is accepted. Repositories
that the hub stores by chunks (Xet) are served whole as well, so that hf_xet isn't needed.
"""
