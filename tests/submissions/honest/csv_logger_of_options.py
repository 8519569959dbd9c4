import csv
import sys


class CSVLogger():
    def __init__(self, args, fieldnames, filename="log.csv"):
        self.filename = filename
        self.csv_file = open(filename, "w")
        writer = csv.writer(self.csv_file)
        for arg in vars(args):
            writer.writerow([arg, getattr(args, arg)])
        for key in sorted(vars(args).keys()):
            print(key, "=", getattr(args, key), file=sys.stderr)
        writer.writerow([""])
        self.writer = csv.DictWriter(self.csv_file, fieldnames=fieldnames)
        self.writer.writeheader()

    def writerow(self, row):
        import pdb  # pdb.set_trace() while I was looking for the mistake
        self.writer.writerow(row)
        self.csv_file.flush()

    def close(self):
        self.csv_file.close()
