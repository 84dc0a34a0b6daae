"""What LongDoc keeps: sources, documents, collections, conversations, jobs, the index of readings.

connection.py   one SQLite file, opened safely, one writer at a time
migrations.py   the tables, as steps applied once
documents.py collections.py threads.py jobs.py readings.py transcripts.py   one noun each
blobs.py        uploaded bytes by content hash
codec.py export.py   dataclasses as JSON; everything as one .zip
db.py           Library: all of it together
"""

from longdoc.store.collections import Collection
from longdoc.store.db import Library
from longdoc.store.documents import LibraryItem
from longdoc.store.jobs import Job, JobState
from longdoc.store.readings import CacheEntry
from longdoc.store.threads import Thread, Turn
from longdoc.store.transcripts import TranscriptItem

__all__ = ["CacheEntry", "Collection", "Job", "JobState", "Library", "LibraryItem", "Thread", "TranscriptItem", "Turn"]
