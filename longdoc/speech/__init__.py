"""Audio to utterances: decoding, speech engines, speakers."""
