"""Measure how well a model finds, quotes and refuses, and how well passages are retrieved.

keys.py words.py facts.py stories.py ruler_texts.py   what is made up to be found
haystack.py                                           unseen text, and needles put into it
needle.py ruler.py babilong.py infinite.py altered.py tasks of made texts, for any length
qa_data.py choice_files.py qa_haystacks.py renaming.py qa.py   question files
perplexity.py surprisal.py                            how likely a text is to a model
asking.py remote_model.py opening.py                  models, asked as the product asks
items.py runner.py results.py                         items asked once, kept, resumed
scoring.py evidence.py statistics.py                  answers and evidence to numbers with intervals
report.py plot.py cli.py                              tables, JSON, pictures, `longdoc evaluate`
retrieval.py                                          evidence hit of chunk and retrieve alone

Nothing of this is used while answering; `keys.held_out_key` and
`haystack.held_out_texts` are what training must leave alone.
"""
