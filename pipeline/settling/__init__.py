"""How a doubt ends: what the provider lists, or what a person says.

`attempts.py` says what a doubt is, `matching.py` which row of a list explains which doubt,
`inquiry.py` asks for the list, `doubts.py` finds the doubts in the files of a job, `words.py` takes
a person's word, and `audit.py` holds the records against the list of charges.
"""
