class Fault:
    @classmethod
    def from_dict(cls, d):
        return cls()

    def to_dict(self):
        return {}


class Faults:
    met = []

    def add(self, f):
        pass

    def clear(self):
        pass

    def pending(self):
        return []
