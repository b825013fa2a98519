"""High availability as one question: is the group sound? Every node is read, then the group is judged once, by role.

`HaDriver` is the seam: transactional replication today, and the place where another technology would go.
"""
