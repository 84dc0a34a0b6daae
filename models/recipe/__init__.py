"""How the bundled reader is trained: corpus, tokenizer, questions, training loop, export."""
