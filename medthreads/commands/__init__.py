"""The commands of `medthreads`, a module for each group of users. They parse the call and print; nothing else."""
