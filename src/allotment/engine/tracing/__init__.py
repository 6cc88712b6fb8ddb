"""The array dynamics as compiled programs with a reverse.

A period is traced once: the array dynamics are run on arrays that note what is done to them. What they noted is a program,
which is played at speed and differentiated, and which agrees with them because it is them.
"""
