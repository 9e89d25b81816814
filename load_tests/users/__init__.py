"""Locust users: closed ones wait for their answer, the open one follows a plan. Importing them patches sockets."""
