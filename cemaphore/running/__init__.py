"""The program that keeps going: its jobs, who leads, what it logs and how it is watched."""
