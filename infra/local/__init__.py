"""The stack on one machine: an emulator, the template deployed to it, the registry seeded.

site        where a local stack is: files, endpoint, region, name; and its clients
emulator    the server process: found, started, stopped
package     the functions' code as one zip
accounts    people and a system that may sign in
deployment  the template through CloudFormation
registry    the agencies' seed events
stack       up, down, status: what the others are for
"""
