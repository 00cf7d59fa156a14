"""How a doubt ends: what the provider lists, or what a person says.

`attempts.py` says what a doubt is, `matching.py` which row of a list explains which doubt,
`inquiry.py` asks for the list, `doubts.py` finds the doubts in the files of a job, `ending.py`
writes how one has ended. `words.py` takes a person's word, `usage.py` and `exported.py` a list that
a person has exported. `audit.py` holds the records of jobs, read by `books.py`, against the list of
charges.
"""
